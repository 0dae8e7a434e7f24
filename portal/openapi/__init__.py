"""What machines may call, as OpenAPI 3.1: made from the published schemas and from what requests are read by."""
