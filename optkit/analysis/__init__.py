"""One question per module, each answered from a history of any origin."""
