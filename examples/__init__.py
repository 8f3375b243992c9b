"""Programs that show foldlog at work. Run them from the root of the repository: `python -m examples.hello_world`."""
