"""One file per op: its public function, its kernels where none is built and for tensors without data, and its autograd.

To add one: its facts in `zoo/ops/table.py`, its reference in `zoo/ops/reference.py`, a file here that ends with `register` and
`offer`, and its name in `zoo/ops/__init__.py`; its kernels in csrc/.

A room of its own, because `zoo.ops.bias_act` is the function: a module of that name beside it would hide it.
"""
