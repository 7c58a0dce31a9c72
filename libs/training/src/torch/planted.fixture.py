"""The program with a fault in it, named by its last argument; what the engine does about it is tested."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))

import program  # noqa: E402
import torch  # noqa: E402

kind = sys.argv[3]
whole_step, whole_part = program.Session.step, program.Session.part


def step(self, header, arrays):
    if header["step"] == 3 and kind == "killed":
        os.kill(os.getpid(), 9)
    if header["step"] == 3 and kind == "hanging":
        time.sleep(60)
    if header["step"] == 3 and kind == "failing":
        raise ValueError("patient 4711 is not in the list")
    return whole_step(self, header, arrays)


def part(self, header, arrays, first):
    if kind == "small" and header["count"] // self.parts > 3:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    return whole_part(self, header, arrays, first)


class Wrong(torch.autograd.Function):
    """The identity, whose gradient forgets every third value."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        wrong = gradient.contiguous().clone()
        wrong.view(-1)[::3] = 0
        return wrong


if kind == "wrong-gradient":
    right = program.LAYERS["max-pool2d"]
    program.LAYERS["max-pool2d"] = lambda net, layer, x: Wrong.apply(right(net, layer, x).contiguous())
if kind == "ignorant":
    del program.LAYERS["attention"]
program.Session.step, program.Session.part = step, part
program.main()
