"""What a function, a class, a file or a repository is for, in the model's words."""
