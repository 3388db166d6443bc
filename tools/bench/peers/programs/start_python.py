"""The least program in Python: one addition. Prints its greatest memory use in MB."""
import torch

x = torch.ones(16)
assert (x + x).sum().item() == 32
with open("/proc/self/status", encoding="ascii") as status:
    print(next(int(line.split()[1]) / 1e3 for line in status if line.startswith("VmHWM")))
