"""One fit of one model: data in, predictions and scores out."""
