"""Fields of the objects, the filter language, and lists answered from them."""
