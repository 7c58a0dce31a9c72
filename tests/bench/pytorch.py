"""What PyTorch does with the models of `npm run bench -- training`: a bare loop, one thread.

Reads lines `MODEL LAYOUT STEPS`, writes for each the images per CPU-second of that many steps, after five to warm up.
"""

import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)


def small_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 1),
    )  # fmt: skip


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        same = stride == 1 and inputs == outputs
        short = (nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.skip = nn.Identity() if same else nn.Sequential(*short)

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


def resnet14():
    layers, channels = [nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for stage, width in enumerate((16, 32, 64)):
        for block in range(2):
            layers.append(Block(channels, width, 2 if stage and not block else 1))
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1))


MODELS = {"small-cnn": (small_cnn, 32, 28), "resnet-14": (resnet14, 16, 64)}


def images_per_second(name, layout, steps):
    build, batch, side = MODELS[name]
    memory = torch.channels_last if layout == "channels-last" else torch.contiguous_format
    model = build().to(memory_format=memory)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss_of = nn.BCEWithLogitsLoss()
    x = torch.randn(batch * 8, 1, side, side).to(memory_format=memory)
    y = torch.randint(0, 2, (batch * 8, 1)).float()
    for step in range(steps + 5):
        if step == 5:
            begun = time.process_time()
        at = step % 8 * batch
        optimiser.zero_grad()
        loss_of(model(x[at : at + batch]), y[at : at + batch]).backward()
        optimiser.step()
    return steps * batch / (time.process_time() - begun)


for line in sys.stdin:
    name, layout, steps = line.split()
    print(images_per_second(name, layout, int(steps)), flush=True)
