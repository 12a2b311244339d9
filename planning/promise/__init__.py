"""Order promising: what is free of stock and schedule, and the first day on which an order can be there.

`planning.promise.plain` says how in plain Python; `planning.promise.fast` is the same, compiled.
"""
