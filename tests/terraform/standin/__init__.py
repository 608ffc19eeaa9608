"""Stand-ins for Terraform's providers, made from their published schemas. Test doubles, no more.

Google's registry of providers cannot be reached from a build machine without the internet, but the
schemas can: the prebuilt bindings on PyPI are generated from them. `schema` reads those bindings,
`provider` serves the result to Terraform. Neither is imported by the product.
"""
