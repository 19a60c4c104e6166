#!/usr/bin/env python3
"""Trains the network on mixes drawn from a folder of rendered pieces.

  train.py BANK RUN [--steps N | --seconds N] [--batch N] [--room PIECES]

RUN gets log.txt and ema.safetensors, running means of the weights, which are what counts; others at
half and at three quarters of the way. The learning rate rises for 300 steps, stays, and falls to
nothing over the second half. With --seconds the way is measured by the clock.

A batch depends on the seed, the step and the pieces in BANK alone; pieces that come while a run is
under way are taken in, so render all of them first where a run must be the same twice.
"""

import argparse
import contextlib
import threading
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from loss import loss
from mixing import Bank, Mixer
from model import DrumMask

WARM_UP = 300
FALL = 0.5
LOOK = 200
EMA = 0.999
# Of the loss: local, whole band, regions.
WEIGHTS = [0.5, 1.0, 1.0]
FEWEST = 32


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bank", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--room", type=int, default=3600, help="most pieces held at once")
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


class Run:
    def __init__(self, args):
        self.args = args
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        args.run.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(args.seed)
        self.net, self.ema = DrumMask().to(self.device), DrumMask().to(self.device)
        self.ema.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=args.rate, betas=(0.9, 0.99), weight_decay=0.01
        )
        if self.device.type == "cuda":
            # A third quicker a step; the cues, which start from complex numbers, gain nothing.
            self.net.context = torch.compile(self.net.context)
        self.step, self.began = 0, time.monotonic()
        self.bank = Bank(args.room, self.device)
        self.mixer = Mixer(self.bank, args.seed)

    def say(self, *words):
        line = " ".join(map(str, words))
        print(line, flush=True)
        with (self.args.run / "log.txt").open("a") as log:
            log.write(line + "\n")

    def way(self):
        """How much of the way is gone, 0 to 1."""
        if self.args.seconds:
            return min(1, (time.monotonic() - self.began) / self.args.seconds)
        return self.step / self.args.steps

    def save(self, name):
        weights = {key: x.float().cpu().contiguous() for key, x in self.ema.state_dict().items()}
        save_file(weights, self.args.run / f"{name}.part")
        (self.args.run / f"{name}.part").rename(self.args.run / f"{name}.safetensors")

    def learn(self, rate):
        batch = self.mixer.batch(self.step, self.args.batch)
        with torch.no_grad():
            mix, drums = (self.net.stft(x) for x in batch.unbind(1))
            cues = self.net.cues(mix)
        cast = contextlib.nullcontext()
        if self.device.type == "cuda":
            cast = torch.autocast("cuda", torch.bfloat16)
        generator = torch.Generator().manual_seed(self.args.seed * 10**6 + self.step)
        parts = torch.stack(loss(self.net, mix, drums, cues, generator, cast))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        (parts * parts.new_tensor(WEIGHTS)).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        keep = min(EMA, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.parameters()), list(self.net.parameters()), 1 - keep)
        return parts.detach()

    def take_new(self):
        self.bank.take(self.args.bank.glob("p?????.npy"))

    def keep_taking(self):
        while True:
            time.sleep(1)
            self.take_new()

    def take_pieces(self):
        """Takes in what there is, and goes on to do so in the background."""
        self.take_new()
        while len(self.bank.files) < FEWEST:
            time.sleep(1)
            self.take_new()
        threading.Thread(target=self.keep_taking, daemon=True).start()

    def go(self):
        self.take_pieces()
        losses, since, marks = [], time.monotonic(), {0.5: "half", 0.75: "late"}
        self.began = since
        while (way := self.way()) < 1:
            rise = min(1, (self.step + 1) / WARM_UP)
            rate = self.args.rate * rise * min(1, (1 - way) / FALL)
            losses.append(self.learn(rate))
            self.step += 1
            for mark in [m for m in marks if way >= m]:
                self.save(marks.pop(mark))
            if self.step % LOOK == 0:
                seen = "local {:.4f} whole {:.3f} regions {:.3f}".format(
                    *torch.stack(losses).mean(0).tolist()
                )
                pace = (time.monotonic() - since) / LOOK
                pieces = len(self.bank.files)
                self.say(f"{self.step} {seen} rate {rate:.1e} {pace:.3f} s bank {pieces}")
                losses, since = [], time.monotonic()
                if self.step % (10 * LOOK) == 0:
                    self.save("ema")
        self.save("ema")


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    Run(options()).go()
