"""From the endpoint to a history, complete or an error."""
