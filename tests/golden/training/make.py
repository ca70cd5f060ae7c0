"""Ten steps of training a guide, by PyTorch's own gradients and AdamW; see README.md. The batch is read from the file and stays."""

import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import common  # noqa: E402, F401: one thread, no gradients but where they are asked for
from diffusers import UNet2DConditionModel  # noqa: E402

STARTER = HERE.parents[2] / "starter"
W_MAX, W_REF = 8.0, 5.0


def sinusoid(value, size):
    half = size // 2
    angles = value.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)[None]
    return torch.cat([angles.cos(), angles.sin()], 1)


def group_norm(channels):
    return nn.GroupNorm(max(g for g in range(1, max(1, min(8, channels // 4)) + 1) if channels % g == 0), channels, eps=1e-5)


class Embedding(nn.Module):
    def __init__(self, size, out):
        super().__init__()
        self.size, self.linear_1, self.linear_2 = size, nn.Linear(size, out), nn.Linear(out, out)

    def forward(self, value):
        return self.linear_2(F.silu(self.linear_1(sinusoid(value, self.size))))


class Resnet(nn.Module):
    def __init__(self, channels, out, embedding):
        super().__init__()
        self.norm1, self.conv1 = group_norm(channels), nn.Conv2d(channels, out, 3, padding=1)
        self.time_emb_proj = nn.Linear(embedding, out)
        self.norm2, self.conv2 = group_norm(out), nn.Conv2d(out, out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x, embedding):
        h = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(F.silu(embedding))[:, :, None, None]
        return self.conv_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class CrossAttention(nn.Module):
    def __init__(self, channels, text):
        super().__init__()
        self.norm, self.to_q = group_norm(channels), nn.Linear(channels, channels, bias=False)
        self.to_k, self.to_v = nn.Linear(text, channels, bias=False), nn.Linear(text, channels, bias=False)
        self.to_out = nn.Linear(channels, channels)

    def forward(self, x, text):
        query = self.to_q(self.norm(x).flatten(2).transpose(1, 2))
        y = F.scaled_dot_product_attention(query[:, None], self.to_k(text)[:, None], self.to_v(text)[:, None])[:, 0]
        return x + self.to_out(y).transpose(1, 2).reshape(x.shape)


class Guide(nn.Module):
    """As docs/guide-file.md has it, with its names."""

    def __init__(self, widths, config):
        super().__init__()
        base, text, count = config["block_out_channels"], config["cross_attention_dim"], config["layers_per_block"]
        size, embedding = max(32, widths[0]), max(32, 4 * widths[0])
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.time_embedding, self.guidance_embedding = Embedding(size, embedding), Embedding(size, embedding)
        self.down_blocks, outs, before = nn.ModuleList(), [(widths[0], base[0])], widths[0]
        for i, (width, big) in enumerate(zip(widths, base)):
            block, last = nn.Module(), i == len(base) - 1
            block.resnets = nn.ModuleList([Resnet(before if j == 0 else width, width, embedding) for j in range(count)])
            attends = "CrossAttn" in config["down_block_types"][i]
            block.attentions = nn.ModuleList([CrossAttention(width, text)] if attends else [])
            block.downsamplers = nn.ModuleList([] if last else [nn.Conv2d(width, width, 3, stride=2, padding=1)])
            self.down_blocks.append(block)
            outs += [(width, big)] * (count + (not last))
            before = width
        self.mid_block = nn.Module()
        self.mid_block.resnets = nn.ModuleList([Resnet(before, before, embedding), Resnet(before, before, embedding)])
        self.mid_block.attentions = nn.ModuleList([CrossAttention(before, text)])
        self.zero_convs = nn.ModuleList([nn.Conv2d(width, big, 1) for width, big in outs])
        self.mid_zero_conv = nn.Conv2d(before, base[-1], 1)

    def forward(self, latents, timestep, text, w):
        embedding = self.time_embedding(timestep) + self.guidance_embedding(1000 * (w - 1) / (W_MAX - 1))
        h = self.conv_in(latents)
        outs = [h]
        for block in self.down_blocks:
            for j, resnet in enumerate(block.resnets):
                h = resnet(h, embedding)
                if j == len(block.resnets) - 1:
                    for attention in block.attentions:
                        h = attention(h, text)
                outs.append(h)
            for down in block.downsamplers:
                h = down(h)
                outs.append(h)
        first, second = self.mid_block.resnets
        h = second(self.mid_block.attentions[0](first(h, embedding), text), embedding)
        gate = ((w - 1) / (W_REF - 1))[:, None, None, None]
        return [gate * conv(x) for conv, x in zip(self.zero_convs, outs)], gate * self.mid_zero_conv(h)


class Training:
    """A guide beside its frozen base, one batch, and AdamW."""

    def __init__(self, base, guide, batch):
        config = json.loads((base / "config.json").read_text())
        self.unet = UNet2DConditionModel.from_pretrained(base, torch_dtype=torch.float32).requires_grad_(False).eval()
        weights = {name: tensor.float() for name, tensor in load_file(guide).items()}
        self.guide = Guide([weights[f"down_blocks.{i}.resnets.0.conv2.bias"].numel() for i in range(len(config["block_out_channels"]))], config)
        self.guide.load_state_dict(weights)
        self.batch = batch
        self.optimizer = torch.optim.AdamW(self.guide.parameters(), lr=4e-3, betas=(0.9, 0.99), eps=1e-8, weight_decay=0)

    @torch.enable_grad()
    def step(self, look=lambda: None):
        latents, timesteps, text, w, target = self.batch
        skips, mid = self.guide(latents, timesteps, text, w)
        prediction = self.unet(
            latents, timesteps, text, down_block_additional_residuals=skips, mid_block_additional_residual=mid
        ).sample
        loss = ((prediction - target) ** 2 / (w - 1).clamp(min=0.3)[:, None, None, None]).mean()
        self.optimizer.zero_grad()
        loss.backward()
        look()
        nn.utils.clip_grad_norm_(self.guide.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()


def starter_training():
    golden = load_file(HERE / "training.safetensors")
    text = golden["text"][golden["prompt"].long()]
    batch = [golden["latents"], golden["timesteps"], text, golden["guidance"], golden["target"]]
    return golden, Training(STARTER / "storybook/unet", STARTER / "guide-tiny/guide.safetensors", batch)


def main():
    golden, training = starter_training()
    given = ("latents", "timesteps", "text", "prompt", "guidance", "target")
    tensors = {name: golden[name] for name in given}
    before = {name: tensor.detach().clone() for name, tensor in training.guide.named_parameters()}

    def keep_gradients():
        for name, tensor in training.guide.named_parameters():
            tensors.setdefault(f"gradient.{name}", (4096 * tensor.grad).half())

    tensors["losses"] = torch.tensor([training.step(keep_gradients) for _ in range(10)])
    for name, tensor in training.guide.named_parameters():
        tensors[f"change.{name}"] = (64 * (tensor.detach() - before[name])).half()
    save_file(tensors, HERE / "training.safetensors", {"guide": "guide-tiny"})


if __name__ == "__main__":
    main()
