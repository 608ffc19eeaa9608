"""Language models, asked over the REST APIs of their providers."""
