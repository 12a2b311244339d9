"""The pages, one subject a module: a page takes the visit and answers."""
