"""The pages of data stewards: their queue, records side by side, and golden records with their history."""
