"""All files below a folder become rows of one table; a run that was stopped goes on where it was."""
