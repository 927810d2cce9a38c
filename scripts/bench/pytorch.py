"""pytorch.py: the same nets, batches, loss and update as steps.lua, in PyTorch.

    LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/openblas-openmp /usr/bin/python3 \
        scripts/bench/pytorch.py --nets=lenet --threads=2 --seconds=1 --lines
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class Taken(nn.Module):
    """ResNet's shortcut without parameters: every second place, and zeros."""

    def forward(self, x):
        x = x[:, :, ::2, ::2]
        return torch.cat([x, torch.zeros_like(x)], 1)


class Block(nn.Module):
    def __init__(self, before, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.shortcut = Taken() if stride > 1 else nn.Identity()

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x), inplace=True)


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True)]
    before = 16
    for channels in (16, 32, 64):
        for _ in range(3):
            layers.append(Block(before, channels, 1 if before == channels else 2))
            before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class CharLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(96, 64)
        self.lstm = nn.LSTM(64, 256, 2, batch_first=True)
        self.scores = nn.Linear(256, 96)

    def forward(self, x):
        return self.scores(self.lstm(self.embedding(x))[0]).flatten(0, 1)


class Attention(nn.Module):
    def __init__(self, width, heads, steps):
        super().__init__()
        self.heads = heads
        self.inwards, self.outwards = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("mask", torch.full((steps, steps), float("-inf")).triu(1))

    def forward(self, x):
        batch, steps, width = x.shape
        q, k, v = (self.inwards(x).view(batch, steps, 3 * self.heads, width // self.heads)
                   .transpose(1, 2).chunk(3, 1))
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        scale = (width // self.heads) ** -0.5
        p = torch.baddbmm(self.mask, q, k.transpose(1, 2), alpha=scale).softmax(-1)
        mixed = torch.bmm(p, v).view(batch, self.heads, steps, -1).transpose(1, 2)
        return self.outwards(mixed.reshape(batch, steps, width))


class GPT(nn.Module):
    def __init__(self, symbols=96, steps=128, width=128, layers=4, heads=4):
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.positions = nn.Parameter(torch.randn(steps, width) * 0.02)
        self.attention, self.perceptron = nn.ModuleList(), nn.ModuleList()
        for _ in range(layers):
            self.attention.append(
                nn.Sequential(nn.LayerNorm(width), Attention(width, heads, steps)))
            self.perceptron.append(
                nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(),
                              nn.Linear(4 * width, width)))
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, symbols, bias=False)

    def forward(self, x):
        x = self.embedding(x) + self.positions
        for attention, perceptron in zip(self.attention, self.perceptron):
            x = x + attention(x)
            x = x + perceptron(x)
        return self.scores(self.norm(x)).flatten(0, 1)


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(True), nn.Linear(512, 512), nn.ReLU(True),
                         nn.Linear(512, 10))


def lenet():
    return nn.Sequential(nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 500), nn.ReLU(True),
                         nn.Linear(500, 10))


def cifar10_quick():
    return nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2), nn.MaxPool2d(3, 2, ceil_mode=True), nn.ReLU(True),
        nn.Conv2d(32, 32, 5, padding=2), nn.ReLU(True), nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(True), nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Flatten(), nn.Linear(1024, 64), nn.Linear(64, 10))


def pictures(batch, *shape):
    return torch.randn(batch, *shape), torch.randint(10, (batch,))


def text(batch, steps):
    return torch.randint(96, (batch, steps)), torch.randint(96, (batch * steps,))


NETS = {
    "mlp": (mlp, lambda: pictures(64, 784)),
    "lenet": (lenet, lambda: pictures(64, 1, 28, 28)),
    "cifar10_quick": (cifar10_quick, lambda: pictures(100, 3, 32, 32)),
    "resnet20": (resnet20, lambda: pictures(128, 3, 32, 32)),
    "char_lstm": (CharLSTM, lambda: text(32, 64)),
    "gpt_tiny": (GPT, lambda: text(16, 128)),
}


def stepper(name):
    build, make = NETS[name]
    net, (x, y) = build(), make()
    update = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, weight_decay=0.0005,
                             foreach=True)

    def step():
        update.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        update.step()
        return loss.item()

    return step


def measure(step, seconds):
    times, finish = [], None
    for count in range(10**9):
        start = time.perf_counter()
        step()
        end = time.perf_counter()
        if count < 2:
            finish = end + seconds
            continue
        times.append(end - start)
        if len(times) >= 3 and end > finish:
            return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nets", default=",".join(NETS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--lines", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    for name in options.nets.split(","):
        times = measure(stepper(name), options.seconds)
        print(json.dumps({"net": name, "threads": options.threads, "steps": len(times),
                          "median_ms": statistics.median(times) * 1000,
                          "best_ms": min(times) * 1000, "torch": torch.__version__}))


main()
