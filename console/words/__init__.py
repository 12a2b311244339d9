"""What people are told, in English and Chinese: shared by the command line and the pages."""
