"""What the paper's text says, checked against the figures of a run."""
