#!/usr/bin/env python3
"""Trains the network on mixes drawn from a folder of rendered pieces.

  train.py BANK RUN [--steps N] [--decay N] [--held HELD] [--threads N]

RUN gets log.txt, ema.safetensors (running means of the weights, which are what counts) and
state.pt, from which a broken run goes on. The learning rate rises for 200 steps, stays, and falls
to nothing in the last --decay steps. A file RUN/finish with a number in it ends the run early: from
where it is the rate falls to nothing over as many steps. It may be written again.

A batch depends on the seed, the step and the pieces in BANK alone; pieces that come while a run is
under way are taken in, so render all of them first where a run must be the same twice.
"""

import argparse
import collections
import contextlib
import queue
import threading
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from common import RATE, wait_while_paused
from loss import loss
from mixing import Mixer
from model import DrumMask

WARM_UP = 200
LOOK = 50
EMA = 0.998
# Every other step takes one of so many batches that were seen before: drawing a batch and finding
# its cues costs more than learning from it.
REMEMBERED = 10


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bank", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--held", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--decay", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="16-bit products in the context")
    return parser.parse_args()


def sdr(found, wanted):
    power, error = wanted.square().sum((1, 2)), (wanted - found).square().sum((1, 2))
    return 10 * torch.log10((power + 1e-7) / (error + 1e-7))


class Run:
    def __init__(self, args):
        self.args = args
        args.run.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(args.seed)
        self.net, self.ema = DrumMask(), DrumMask()
        self.ema.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=args.rate, betas=(0.9, 0.99), weight_decay=0.01
        )
        self.step, self.end, self.decay, self.from_rate = 0, args.steps, args.decay, args.rate
        self.state = args.run / "state.pt"
        if self.state.exists():
            self.resume()
        self.mixer = Mixer(args.seed)
        self.batches = queue.Queue(2)
        self.memory = collections.deque(maxlen=REMEMBERED)

    def say(self, *words):
        line = " ".join(map(str, words))
        print(line, flush=True)
        with (self.args.run / "log.txt").open("a") as log:
            log.write(line + "\n")

    def resume(self):
        saved = torch.load(self.state)
        self.net.load_state_dict(saved["net"])
        self.ema.load_state_dict(saved["ema"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self.end, self.decay = saved["step"], saved["end"], saved["decay"]
        self.from_rate = saved.get("from_rate", self.args.rate)

    def save(self):
        parts = dict(net=self.net, ema=self.ema, optimiser=self.optimiser)
        saved = {name: part.state_dict() for name, part in parts.items()}
        saved |= dict(step=self.step, end=self.end, decay=self.decay, from_rate=self.from_rate)
        torch.save(saved, self.state.with_suffix(".part"))
        self.state.with_suffix(".part").rename(self.state)
        weights = {name: x.contiguous() for name, x in self.ema.state_dict().items()}
        save_file(weights, self.args.run / "ema.part")
        (self.args.run / "ema.part").rename(self.args.run / "ema.safetensors")

    def feed(self):
        """Draws batches ahead, in a thread of its own."""
        for step in range(self.step + self.step % 2, 10**9, 2):
            if step % LOOK == 0 or not self.mixer.pieces:
                self.mixer.take(self.args.bank.glob("p?????.npy"))
            wait_while_paused()
            self.batches.put(self.mixer.batch(step, self.args.batch))

    def learning_rate(self):
        fall = min(1, (self.end - self.step) / self.decay)
        return self.from_rate * min(1, (self.step + 1) / WARM_UP) * fall + 1e-6

    def look_for_the_end(self):
        finish = self.args.run / "finish"
        if finish.exists():
            self.from_rate, self.decay = self.learning_rate(), int(finish.read_text())
            self.end = self.step + self.decay
            finish.unlink()
            self.say("finishing at step", self.end)

    def material(self):
        """Spectra of mixes and of their drums, and the cues of the mixes."""
        if self.step % 2 and self.memory:
            choice = np.random.default_rng([self.args.seed, self.step]).integers(len(self.memory))
            return self.memory[choice]
        batch = torch.from_numpy(self.batches.get())
        with torch.no_grad():
            mix, drums = (self.net.stft(x) for x in batch.unbind(1))
            self.memory.append((mix, drums, self.net.cues(mix)))
        return self.memory[-1]

    def learn(self, mix, drums, cues):
        generator = torch.Generator().manual_seed(self.args.seed * 10**6 + self.step)
        cast = torch.autocast("cpu", torch.bfloat16) if self.args.bf16 else contextlib.nullcontext()
        local, whole, regions = loss(self.net, mix, drums, cues, generator, cast)
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.optimiser.zero_grad()
        (local + 0.5 * whole + 0.5 * regions).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        keep = min(EMA, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.ema.parameters(), self.net.parameters()):
                mean.lerp_(now, 1 - keep)
        return local.item(), whole.item(), regions.item()

    def validate(self):
        """The median SDR of eight seconds of each held piece."""
        scores = []
        for file in sorted(self.args.held.glob("p?????.npy"))[:16] if self.args.held else []:
            stems = torch.from_numpy(
                np.load(file)[:, :, 4 * RATE : 12 * RATE].astype(np.float32) / 32_768
            )
            drums, rest = stems[0], stems[1:].sum(0)
            with torch.no_grad():
                found = self.ema((drums + rest)[None])[0]
            scores.append(
                torch.stack(
                    [sdr(found[None], drums[None]), sdr((rest + drums - found)[None], rest[None])]
                )
            )
        if scores:
            drums, rest = torch.stack(scores).median(0)[0].flatten().tolist()
            self.say(f"held: drums {drums:.2f} rest {rest:.2f} at step {self.step}")

    def go(self):
        threading.Thread(target=self.feed, daemon=True).start()
        losses, began = [], time.monotonic()
        while self.step < self.end:
            losses.append(self.learn(*self.material()))
            self.step += 1
            wait_while_paused()
            if self.step % LOOK == 0:
                seen = "local {:.4f} whole {:.3f} regions {:.3f}".format(*np.mean(losses, 0))
                pace = (time.monotonic() - began) / LOOK
                rate = self.optimiser.param_groups[0]["lr"]
                self.say(
                    f"{self.step} {seen} rate {rate:.1e} {pace:.2f} s bank {len(self.mixer.pieces)}"
                )
                losses, began = [], time.monotonic()
                self.save()
                self.look_for_the_end()
            if self.step % 500 == 0:
                self.validate()
        self.save()
        self.validate()


if __name__ == "__main__":
    args = options()
    torch.set_num_threads(args.threads)
    Run(args).go()
