"""What may stand at a place of the command line. Importing this, and answering, imports no torch.

A shell's script hands the words to ``zoo completion --words``. argcomplete walks through one argparse parser of a program, tyro and
shtab write out what is known beforehand; here architectures, presets, options and commands are known when plugins are
loaded, runs when the folder is looked into, and every command reads its own arguments.
"""
