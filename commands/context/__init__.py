"""Choose among several clusters."""
