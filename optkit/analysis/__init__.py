"""One question a module, each answered from a history, wherever that came from."""
