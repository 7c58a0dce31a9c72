"""Trains and runs a Consilium graph with PyTorch, for a parent that speaks to it over standard input and output.

A message is two little-endian uint32 (bytes of the header, bytes of the payload), a JSON header and a payload: the
arrays that the header lists, back to back. Each request gets one answer. The program has no network code, reads and
writes no file and ends when its input does. Tensors come and go in the layouts of the graph's manifest (TensorFlow's,
channels last); inside, images are channels first, as PyTorch wants them, over memory that stays channels last.
"""

import ctypes
import json
import math
import os
import struct
import sys
import traceback

import torch
from torch.nn import functional as F

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}


class Unsupported(Exception):
    """A layer or a loss that this program does not know: its name, and what it is."""


def channels_first(x):
    """Images and volumes get their channels behind the samples; what has fewer axes keeps them last."""
    return x.movedim(-1, 1) if x.dim() >= 4 else x


def channels_last(x):
    return x.movedim(1, -1) if x.dim() >= 4 else x


def for_axes(name, x):
    """PyTorch's function for images or for volumes, such as conv2d or conv3d."""
    return getattr(F, f"{name}{x.dim() - 2}d")


def pad(x, pads, value=0.0):
    """`pads` are what comes before and after each spatial axis."""
    flat = [amount for pair in reversed(pads) for amount in pair]
    return F.pad(x, flat, value=value) if any(flat) else x


def normed(x, norm):
    """Norms want the channels behind the samples, also for tokens."""
    return norm(x.transpose(1, 2)).transpose(1, 2) if x.dim() == 3 else norm(x)


# What layers do: of the net, the layer and what it is fed with.


def convolution(net, layer, x):
    even = all(before == after for before, after in layer["pads"])
    padding = [before if even else 0 for before, _ in layer["pads"]]
    kernel, groups = net.tensor(layer, "kernel"), layer.get("groups")
    if groups is None:  # depthwise: [channels, multiplier, …]
        kernel, groups = kernel.flatten(0, 1).unsqueeze(1), kernel.shape[0]
    x = x if even else pad(x, layer["pads"])
    bias, stride, dilation = net.tensor(layer, "bias"), layer["stride"], layer["dilation"]
    return for_axes("conv", x)(x, kernel, bias, stride, padding, dilation, groups)


def transposed_convolution(net, layer, x):
    y = for_axes("conv_transpose", x)(x, net.tensor(layer, "kernel"), None, layer["stride"])
    # TensorFlow's output is what a convolution would have to read, longer or shorter than PyTorch's.
    lengths = [(before, length, y.shape[2 + i]) for i, (before, length) in enumerate(layer["window"])]
    y = pad(y, [(0, max(before + length - came, 0)) for before, length, came in lengths])
    for axis, (before, length, _) in enumerate(lengths, start=2):
        y = y.narrow(axis, before, length)
    bias = net.tensor(layer, "bias")
    return y if bias is None else y + bias.view(-1, *[1] * len(lengths))


def dense(net, layer, x):
    return channels_first(F.linear(channels_last(x), net.tensor(layer, "kernel").t(), net.tensor(layer, "bias")))


def attention(net, layer, x):
    def project(role, y):
        return y @ net.tensor(layer, f"{role}_kernel") + net.tensor(layer, f"{role}_bias")

    def heads(y):
        return y.unflatten(2, (layer["heads"], -1)).transpose(1, 2)

    y = F.scaled_dot_product_attention(*(heads(project(role, x)) for role in ("query", "key", "value")))
    return project("output", y.transpose(1, 2).flatten(2))


def batch_norm(net, layer, x):
    gamma, beta = net.tensor(layer, "gamma"), net.tensor(layer, "beta")
    mean, variance = net.tensor(layer, "moving_mean"), net.tensor(layer, "moving_variance")
    if not net.training or layer["name"] in net.frozen:
        return normed(x, lambda y: F.batch_norm(y, mean, variance, gamma, beta, False, 0.0, layer["epsilon"]))

    def by_batch(y):
        y, of_batch, rsqrt = torch.native_batch_norm(y, gamma, beta, None, None, True, 0.0, layer["epsilon"])
        with torch.no_grad():  # Keras moves by the biased variance, PyTorch's own statistics by the unbiased one.
            mean.lerp_(of_batch, 1 - layer["momentum"])
            variance.lerp_((rsqrt**-2 - layer["epsilon"]).clamp_(min=0), 1 - layer["momentum"])
        return y

    return normed(x, by_batch)


def group_or_layer_norm(net, layer, x):
    gamma, beta, epsilon = net.tensor(layer, "gamma"), net.tensor(layer, "beta"), layer["epsilon"]
    if layer["type"] == "group-norm":
        return normed(x, lambda y: F.group_norm(y, layer["groups"], gamma, beta, epsilon))
    return channels_first(F.layer_norm(channels_last(x), gamma.shape, gamma, beta, epsilon))


def max_pool(net, layer, x):
    return for_axes("max_pool", x)(pad(x, layer["pads"], -math.inf), layer["size"], layer["stride"])


def average_pool(net, layer, x):
    pool = for_axes("avg_pool", x)
    y = pool(pad(x, layer["pads"]), layer["size"], layer["stride"])
    # The mean of what is inside the image: padding does not count.
    inside = pad(torch.ones(1, 1, *x.shape[2:], device=x.device), layer["pads"])
    return y / pool(inside, layer["size"], layer["stride"]) if any(map(any, layer["pads"])) else y


def upsample(net, layer, x):
    if layer["method"] == "bilinear":
        size = [length * factor for length, factor in zip(x.shape[2:], layer["size"])]
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
    for axis, factor in enumerate(layer["size"], start=2):
        x = x.repeat_interleave(factor, dim=axis)
    return x


def dropout(net, layer, x):
    if not net.training or layer["rate"] == 0:
        return x
    mask = net.masks[layer["name"]].view(x.shape[0], *layer["shape"])
    return x * channels_first(mask / (1 - layer["rate"]))


def activation(net, layer, x):
    if layer["function"] == "softmax":
        return channels_first(F.softmax(channels_last(x), dim=-1))
    return ACTIVATIONS[layer["function"]](x)


def multiply(net, layer, x, factor):
    if factor.dim() < x.dim():  # one factor for each channel
        factor = channels_first(factor.view(x.shape[0], *[1] * (x.dim() - 2), -1))
    return x * factor


LAYERS = {
    **dict.fromkeys(("conv2d", "conv3d", "depthwise-conv2d"), convolution),
    **dict.fromkeys(("transposed-conv2d", "transposed-conv3d"), transposed_convolution),
    **dict.fromkeys(("max-pool2d", "max-pool3d"), max_pool),
    **dict.fromkeys(("average-pool2d", "average-pool3d"), average_pool),
    **dict.fromkeys(("upsample2d", "upsample3d"), upsample),
    **dict.fromkeys(("group-norm", "layer-norm"), group_or_layer_norm),
    "dense": dense,
    "embedding": lambda net, layer, x: channels_first(net.tensor(layer, "kernel")[channels_last(x).long()]),
    "attention": attention,
    "batch-norm": batch_norm,
    "global-average-pool": lambda net, layer, x: x.mean(dim=tuple(range(2, x.dim()))),
    "global-max-pool": lambda net, layer, x: F.adaptive_max_pool1d(x.flatten(2), 1).squeeze(-1),
    "flatten": lambda net, layer, x: channels_last(x).flatten(1),
    "reshape": lambda net, layer, x: channels_first(channels_last(x).reshape(-1, *layer["shape"])),
    "dropout": dropout,
    "activation": activation,
    "add": lambda net, layer, *fed: sum(fed[1:], fed[0]),
    "multiply": multiply,
    "concat": lambda net, layer, *fed: channels_first(torch.cat([channels_last(x) for x in fed], dim=-1)),
}


class Net:
    """A graph and its tensors. What is trained lies in one vector, so that an optimiser's step is a few operations."""

    def __init__(self, spec, device):
        self.layers, self.frozen, self.device = spec["layers"], set(spec["frozen"]), device
        for layer in self.layers:
            if layer["type"] not in LAYERS and layer["type"] != "input":
                raise Unsupported(layer["name"], layer["type"])
        self.tensors, self.values, at = sorted(spec["tensors"], key=lambda t: not t["trained"]), {}, 0
        self.size = sum(t["size"] for t in self.tensors)
        self.vector = torch.zeros(self.size, device=device)
        self.theta = self.vector[: sum(t["size"] for t in self.tensors if t["trained"])]
        self.gradient = torch.zeros_like(self.theta)
        for t in self.tensors:
            t["at"], at = slice(at, at + t["size"]), at + t["size"]
            # By `data` autograd counts the changes of each tensor by itself: a moved statistic is no moved kernel.
            value = self.values[t["name"]] = self.vector.data[t["at"]].view(t["inner"])
            if t["trained"]:
                value.requires_grad_().grad = self.gradient[t["at"]].view(t["inner"])

    def pack(self, flat):
        """An array in the manifest's layout as one vector in ours, what is trained first."""
        return torch.cat([inner(t, flat).flatten() for t in self.tensors] or [torch.zeros(0)]).to(self.device)

    def unpack(self, vector):
        """A vector of ours, or its trained part, in the manifest's layout; 0 for what it lacks."""
        vector, flat = vector.detach().cpu(), torch.zeros(self.size)
        for t in self.tensors:
            if t["at"].stop <= len(vector):
                inner(t, flat).copy_(vector[t["at"]].view(t["inner"]))
        return flat

    def tensor(self, layer, part):
        return self.values.get(f"{layer['name']}/{part}")

    def forward(self, rows, masks, training):
        """Logits `[count, outputs]`, channels last, of rows `[count, row]`."""
        self.training, self.masks, results, at = training, masks, {}, 0
        last_use = {source: layer["name"] for layer in self.layers for source in layer["sources"]}
        for layer in self.layers:
            name, fed = layer["name"], [results[source] for source in layer["sources"]]
            if layer["type"] == "input":
                size = math.prod(layer["shape"])
                results[name] = channels_first(rows[:, at : at + size].reshape(-1, *layer["shape"]))
                at += size
            else:
                results[name] = LAYERS[layer["type"]](self, layer, *fed)
            for source in {source for source in layer["sources"] if last_use[source] == name}:
                del results[source]
        return channels_last(results[name]).flatten(1)


def inner(t, flat):
    """One tensor of an array in the manifest's layout, with its axes as PyTorch wants them; a view."""
    return flat[t["offset"] : t["offset"] + t["size"]].view(t["shape"]).permute(t["axes"])


def loss_of(spec, logits, targets, total):
    """The loss of src/fitting/loss in float64, for samples out of a batch of `total`."""
    z, t, channels = logits.double(), targets.double(), spec["channels"]
    weights = torch.tensor(spec["classWeights"], dtype=torch.float64, device=z.device)
    match spec["loss"]:
        case "binary-cross-entropy":
            each = weights[t.long()] * F.binary_cross_entropy_with_logits(z, t, reduction="none")
        case "focal":
            x = torch.where(t == 1, z, -z)
            each = weights[t.long()] * torch.exp(-spec["focalGamma"] * F.softplus(x)) * F.softplus(-x)
        case "softmax-cross-entropy":
            labels = t.long().flatten()
            each = weights[labels] * F.cross_entropy(z.reshape(-1, channels), labels, reduction="none")
        case "mean-squared-error":
            each = (z - t).square()
        case "dice":
            p, t = (masks.reshape(len(z), -1, channels) for masks in (torch.sigmoid(z), t))
            each = 1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)
        case "cox-partial-likelihood":  # of a whole batch
            risk, (time, event) = z[:, 0], t.unbind(1)
            at_risk = torch.where(time[None, :] >= time[:, None], risk[None, :], -math.inf)
            return ((at_risk.logsumexp(1) - risk) * event).sum() / event.sum().clamp(min=1)
        case unknown:
            raise Unsupported(None, unknown)
    return each.mean() * (len(z) / total)


class Session:
    """What the parent may ask for, of one graph at a time: its header and arrays to those of the answer."""

    def __init__(self, device, threads):
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Products of full float32: gradients are compared between engines.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        self.device = torch.device(device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu")
        torch.zeros(1, device=self.device)

    def hello(self, header, arrays):
        return {"version": torch.__version__, "device": self.device.type}, []

    def open(self, header, arrays):
        self.net, self.parts = None, 1  # the memory of the last graph first
        self.net = Net(header, self.device)
        self.net.vector.copy_(self.net.pack(arrays["values"]))
        return {}, []

    def fit(self, header, arrays):
        """Sets the terms of the steps that follow."""
        net, self.terms, self.parts = self.net, header, header["microBatches"]
        given = {name: net.pack(flat)[: len(net.theta)] for name, flat in arrays.items()}
        self.start, self.correction, self.decay = (given.get(name, 0) for name in ("start", "correction", "decay"))
        self.slots = [given.get(f"slot{i}", torch.zeros_like(net.theta)) for i in range(header["slots"])]
        return {}, []

    def step(self, header, arrays):
        loss = self.differentiate(header, arrays)
        with torch.no_grad():
            self.update(header["step"], header["rate"])
        return {"loss": loss, "microBatches": self.parts}, []

    def update(self, step, rate):
        """The steps of src/fitting/shape-gradient.ts and src/fitting/optimizer.ts."""
        terms, theta, g = self.terms, self.net.theta, self.net.gradient
        if terms["clipNorm"] is not None:
            g *= torch.clamp(terms["clipNorm"] / torch.linalg.vector_norm(g.double()), max=1.0).float()
        if terms["proximal"]:
            g += terms["proximal"] * (theta - self.start)
        g += self.correction
        theta *= 1 - rate * self.decay
        spec = terms["optimizer"]
        if spec["type"] == "adam":
            mean, square = self.slots
            mean.mul_(spec["beta1"]).add_(g, alpha=1 - spec["beta1"])
            square.mul_(spec["beta2"]).addcmul_(g, g, value=1 - spec["beta2"])
            deviation = (square / (1 - spec["beta2"] ** step)).sqrt_().add_(1e-8)
            theta.addcdiv_(mean, deviation, value=-rate / (1 - spec["beta1"] ** step))
        elif self.slots:
            theta.sub_(self.slots[0].mul_(spec["momentum"]).add_(g), alpha=rate)
        else:
            theta.sub_(g, alpha=rate)

    def differentiate(self, header, arrays):
        """The loss; its gradient is left in the net. Takes the batch in more parts once memory has run out."""
        count = header["count"]
        while True:
            try:
                self.net.gradient.zero_()
                losses = [self.part(header, arrays, at) for at in range(0, count, -(-count // self.parts))]
                return None if None in losses else sum(losses)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or not header["separable"] or self.parts >= count:
                    raise
            # Behind the handler, where the error no longer holds on to the tensors of its frames.
            self.parts = min(count, self.parts * 2)
            torch.cuda.empty_cache()

    def part(self, header, arrays, first):
        count, end = header["count"], first - (-header["count"] // self.parts)
        rows, targets = (arrays[name].view(count, -1)[first:end].to(self.device) for name in ("images", "labels"))
        masks = {n: arrays[f"mask:{n}"].view(count, -1)[first:end].to(self.device) for n in header["masks"]}
        loss = loss_of(header, self.net.forward(rows, masks, True), targets, count)
        loss.backward()
        return loss.item() if loss.isfinite() else None  # JSON has no word for others

    def gradient(self, header, arrays):
        return {"loss": self.differentiate(header, arrays)}, [("gradient", self.net.unpack(self.net.gradient))]

    def state(self, header, arrays):
        slots = [(f"slot{i}", self.net.unpack(slot)) for i, slot in enumerate(self.slots)]
        return {}, [("values", self.net.unpack(self.net.vector)), *slots]

    def predict(self, header, arrays):
        with torch.inference_mode():
            rows = arrays["images"].view(header["count"], -1).to(self.device)
            outputs = self.net.forward(rows, {}, False)
        return {}, [("outputs", outputs.reshape(-1).float().cpu())]


def is_out_of_memory(error):
    said = any(words in str(error).lower() for words in ("out of memory", "can't allocate memory", "alloc_failed"))
    return said or isinstance(error, (torch.OutOfMemoryError, MemoryError))


def read_message(stream):
    lengths = stream.read(8)
    if len(lengths) < 8:
        return None
    header_bytes, payload_bytes = struct.unpack("<II", lengths)
    header = json.loads(stream.read(header_bytes))
    payload, arrays, at = bytearray(stream.read(payload_bytes)), {}, 0
    for name, dtype, count in header["arrays"]:
        kind = torch.uint8 if dtype == "u1" else torch.float32
        arrays[name] = torch.frombuffer(payload, dtype=kind, count=count, offset=at)
        at += count * kind.itemsize
    return header, arrays


def write_message(stream, header, arrays):
    tensors = [(name, tensor.contiguous()) for name, tensor in arrays]
    header = json.dumps({**header, "arrays": [[name, "f4", t.numel()] for name, t in tensors]}).encode()
    stream.write(struct.pack("<II", len(header), sum(4 * t.numel() for _, t in tensors)) + header)
    for _, tensor in tensors:
        stream.write(ctypes.string_at(tensor.data_ptr(), 4 * tensor.numel()))
    stream.flush()


def main(session=Session):
    # What libraries print goes to standard error: standard output belongs to the messages.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    served = session(sys.argv[1], int(sys.argv[2]))
    while (message := read_message(sys.stdin.buffer)) is not None:
        header, arrays = message
        try:
            answer, results = getattr(served, header["op"])(header, arrays)
        except Unsupported as error:
            answer, results = {"fault": "unsupported", "layer": error.args[0], "feature": error.args[1]}, []
        except Exception as error:  # noqa: BLE001: the parent decides; the trace is for the site's own log
            traceback.print_exc()
            answer, results = {"fault": "out-of-memory" if is_out_of_memory(error) else "failed"}, []
        write_message(out, answer, results)


if __name__ == "__main__":
    main()
