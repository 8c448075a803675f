"""One file per op: its public function, its kernels where none is built and for tensors without data, and its autograd.

A room of its own, because `zoo.ops.bias_act` is the function: a module of that name beside it would hide it.
"""
