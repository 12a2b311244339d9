"""The doors for people: the command line, later the web pages."""
