"""Every figure of the model that ships with the code, by one command."""
