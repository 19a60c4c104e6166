"""What training makes small: errors of spectra, of magnitudes, and the error's power in dB.

The weighing of cues is the same for all bins, so a step counts only some bins of the wide regions
and every second window. The power of the error is taken of the whole band and of six regions, as
logarithms: the whole band is what SDR says, which the bass rules; the regions keep the treble, where
beats are cut and heard, in the balance.
"""

import torch

# Hertz: 0, 108, 258, 1000, 3000, 10,000. Bins are 21.5 Hz apart.
REGIONS = [0, 5, 12, 47, 140, 465, 1025]
DRAWN = [5, 7, 35, 64, 96, 96]
FLOOR = 1e-4


def draw_bins(generator):
    """Some bins of each region, in order, and how many each of them stands for."""
    bins, stands = [], []
    for low, high, count in zip(REGIONS, REGIONS[1:], DRAWN):
        bins.append(torch.randperm(high - low, generator=generator)[:count].sort()[0] + low)
        stands.append(torch.full((count,), (high - low) / count))
    return torch.cat(bins), torch.cat(stands)


def bass_weights(bins):
    """Most of the energy of drums lies in few bins."""
    return torch.where(bins < 12, 4.0, torch.where(bins < 47, 2.0, 1.0))


def bels(error, whole):
    return torch.log10(error / (whole + 1e-6) + FLOOR)


def loss(net, mix, drums, cues, generator, cast):
    """The parts of the loss, from spectra [batch, channel, bin, window] and the cues of the mix."""
    *cues, balance = cues
    with torch.no_grad():
        scale = mix.abs().mean((1, 2, 3), keepdim=True) + 1e-6
        bins, stands = (x.to(mix.device) for x in draw_bins(generator))
        first = int(torch.randint(0, 2, (1,), generator=generator))
        weights = stands / stands.mean() * bass_weights(bins)
        some = torch.stack([cue[:, first::2, bins] for cue in cues], -1)
        balance_here = balance[:, first::2, bins]
        mix, drums = ((x / scale)[:, :, bins, first::2].transpose(2, 3) for x in (mix, drums))
    with cast:
        steers = net.context([*cues, balance]).float()
    mask = net.head(some, balance_here, steers[:, first::2], net.spread[bins])
    error = (torch.view_as_real(mix) * mask[..., None] - torch.view_as_real(drums)).square().sum(-1)
    loud = (mask * mix.abs() + 1e-3).sqrt() - (drums.abs() + 1e-3).sqrt()
    local = (((error + 1e-6).sqrt() + 0.5 * loud.abs()) * weights).mean()
    error = (error * stands).sum((1, 2))
    whole = (mix.abs().square() * stands).sum((1, 2))
    whole_band = bels(error.sum(-1), whole.sum(-1)).mean()
    ends = torch.tensor(DRAWN).cumsum(0).tolist()
    parts = [bels(error[:, a:b].sum(-1), whole[:, a:b].sum(-1)) for a, b in zip([0, *ends], ends)]
    return local, whole_band, torch.stack(parts).mean()
