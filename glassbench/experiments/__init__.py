"""What a person asks for, as checked requests, and what comes of them."""
