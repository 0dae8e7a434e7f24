"""An agreement ends; its lines are listed and told, in jobs that go on wherever they were cut off."""
