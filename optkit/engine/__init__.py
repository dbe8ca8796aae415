"""The engine of all analyses: checked frames, states of pairs, partial sums per partition; it names no analysis.

The call path of an analysis; each line is called by the one before::

    churn(history)              analysis/churn.py: defines the counts, and makes the table from their sums
    aggregate(history, mapper)  aggregate.py: reads the history, partition by partition, and adds up
    mapper(partition)           analysis/churn.py again, here or on a Spark worker: counts within one partition
    partition.transitions       states.py: the changes of state, computed when the partition was made
"""
