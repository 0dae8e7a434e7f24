"""What people read, in every state that the world can bring about: all the words and all the numbers."""
