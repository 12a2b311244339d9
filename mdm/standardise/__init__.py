"""Standardising: what a record says, parsed into comparable parts. The raw text is always kept beside the parts."""
