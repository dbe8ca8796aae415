"""How questions are answered: any frame in, states settled once, partial sums per partition. It names no question.

The way from a question to its numbers, each a call by the one before::

    churn(history)              analysis/churn.py: what to count, and the table that is made of the sums
    aggregate(history, mapper)  aggregate.py: reads the history, partition by partition, and adds up
    mapper(partition)           analysis/churn.py again, or a worker of Spark: counts within one partition
    partition.transitions       states.py: what changed a state, settled when the partition was made
"""
