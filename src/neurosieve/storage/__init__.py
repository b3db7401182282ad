"""Files that are whole or not there, at any URL, and JSON and YAML records in them."""
