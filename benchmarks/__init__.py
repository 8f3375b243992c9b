"""Measurements that anyone can run: `make bench`. Each compares with a bound measured in the same run."""
