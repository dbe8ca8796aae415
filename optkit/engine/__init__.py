"""How questions are answered: any frame in, states settled once, partial sums per partition. It names no question."""
