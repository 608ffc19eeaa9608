"""Git from within a flow: clone a repository, or bring a folder of it as namespace files."""
