"""File formats to Ion rows and back, one row a line, read and written as they come."""
