"""Stream processors: the workflow processor, which folds commands into events, and its store."""
