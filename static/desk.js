// Nothing depends on this: every act of the desk is a link or a form.
