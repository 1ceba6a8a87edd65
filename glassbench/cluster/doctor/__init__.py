"""What a Ray cluster lacks, asked of each of its nodes."""
