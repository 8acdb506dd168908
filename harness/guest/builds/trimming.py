"""What a kernel that is built here leaves out of the stock one: nothing that a USB or HID driver of a guest is made of.

A guest's modules are those of its image (:mod:`harness.guest.image.policy`). Kconfig's own ``localmodconfig`` drops the
others; the tables here drop what it keeps because it is built in. Names that a kernel does not have are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["BUILD", "DROPPED", "changes", "lsmod"]

#: How it is built.
BUILD: Mapping[str, str] = {
    # Debug information makes of one gigabyte ten, and of one hour two.
    "DEBUG_INFO_NONE": "y",
    "DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT": "n",
    "DEBUG_INFO_DWARF4": "n",
    "DEBUG_INFO_DWARF5": "n",
    "DEBUG_INFO": "n",
    # The distribution's keys are not here, and a guest loads any module.
    "MODULE_SIG": "n",
    "SYSTEM_TRUSTED_KEYS": '""',
    "SYSTEM_REVOCATION_KEYS": '""',
    # Modules are unpacked for the image anyway.
    "MODULE_COMPRESS": "n",
    # All modules are of this kernel: checksums of what they call would be a second run of the preprocessor.
    "MODVERSIONS": "n",
    "LOCALVERSION_AUTO": "n",
}

#: Options that are switched off, by the reason.
DROPPED: Mapping[str, tuple[str, ...]] = {
    "security modules, none of which a guest's programs are bound by; some insist on signed modules": (
        "SECURITY", "SECURITY_LANDLOCK", "INTEGRITY", "IMA", "EVM", "AUDIT",
    ),
    "other machines than QEMU's: virtual ones, firmware, memory and processors that a guest does not have": (
        "XEN", "HYPERV", "INTEL_TDX_GUEST", "AMD_MEM_ENCRYPT", "EFI", "NUMA", "X86_SGX", "X86_MCE", "MICROCODE",
        "INTEL_IOMMU", "AMD_IOMMU", "CPU_FREQ", "INTEL_IDLE", "EDAC", "CXL_BUS", "PCIEPORTBUS", "X86_CPU_RESCTRL",
        "X86_INTEL_LPSS", "X86_AMD_PLATFORM_DEVICE", "PINCTRL_INTEL", "PINCTRL_AMD", "PINCTRL_BAYTRAIL",
        "PINCTRL_CHERRYVIEW", "INTEL_SOC_PMIC", "INTEL_TXT", "ACPI_APEI", "ACPI_NFIT", "ACPI_EXTLOG", "ACPI_PRMT",
        "LIBNVDIMM", "DAX", "MEMORY_HOTPLUG", "MEMORY_FAILURE", "VGA_SWITCHEROO", "PSTORE",
        "VIRTUALIZATION", "VIRT_DRIVERS",
    ),
    "drivers on PCI and test drivers": (
        "MEDIA_PCI_SUPPORT", "MEDIA_PLATFORM_SUPPORT", "MEDIA_TEST_SUPPORT", "MEDIA_PLATFORM_DRIVERS",
        "V4L_TEST_DRIVERS", "DVB_TEST_DRIVERS", "SND_PCI", "SOUNDWIRE", "DRM_ACCEL", "INFINIBAND", "NVME_CORE", "ATA",
        "MD", "NET_VENDOR_INTEL", "BT_INTEL_PCIE",
    ),
    "file systems, storage and memory management that nobody uses in a guest": (
        "FUSE_FS", "NETWORK_FILESYSTEMS", "MISC_FILESYSTEMS", "FS_ENCRYPTION", "FS_VERITY", "QUOTA",
        "PARTITION_ADVANCED", "BLK_CGROUP", "BLK_WBT", "BLK_DEV_IO_TRACE", "IO_URING", "HUGETLBFS",
        "TRANSPARENT_HUGEPAGE", "SWAP", "ZSWAP", "DAMON",
    ),
    "network protocols and filters above the interfaces": (
        "NETFILTER", "NET_SCHED", "MPTCP", "TLS", "LWTUNNEL", "NETLABEL", "IP_MULTICAST", "IP_ADVANCED_ROUTER",
        "IPV6_SEG6_LWTUNNEL", "IPV6_MROUTE", "NET_DROP_MONITOR", "NET_SWITCHDEV", "NET_DEVLINK", "NET_L3_MASTER_DEV",
        "ETHTOOL_NETLINK", "XFRM", "DNS_RESOLVER",
    ),
    "tracing, profiling and other ways to look at a running kernel": (
        "FTRACE", "KPROBES", "UPROBES", "LIVEPATCH", "BPF_SYSCALL", "BPF_JIT", "CGROUP_BPF", "PROFILING", "TASKSTATS",
        "CHECKPOINT_RESTORE", "THERMAL_STATISTICS", "DEBUG_WX", "IKCONFIG", "RUNTIME_TESTING_MENU", "SAMPLES",
    ),
    "other kernels and sleep": ("KEXEC", "KEXEC_FILE", "CRASH_DUMP", "HIBERNATION"),
    "work-arounds for processors, which guests are told not to use, and which take objtool long": (
        "CPU_MITIGATIONS", "SPECULATION_MITIGATIONS", "X86_KERNEL_IBT", "X86_USER_SHADOW_STACK",
    ),
    "schedulers and compilers": ("SCHED_CORE", "NUMA_BALANCING", "RUST"),
    "compressed modules": ("MODULE_COMPRESS_XZ", "MODULE_COMPRESS_ZSTD", "MODULE_COMPRESS_GZIP", "MODULE_FORCE_LOAD"),
}  # fmt: skip


def changes(features: Mapping[str, str], local_version: str) -> dict[str, str]:
    """All options to set in the trimmed configuration; a feature's own options come before the tables here."""
    dropped = dict.fromkeys((name for names in DROPPED.values() for name in names), "n")
    return {**dropped, **BUILD, "LOCALVERSION": f'"{local_version}"', **features}


def lsmod(modules: Iterable[str]) -> str:
    """What lsmod(8) would print if these modules were loaded: what ``localmodconfig`` is told to keep."""
    return "Module Size Used by\n" + "".join(f"{name} 1 0\n" for name in modules)
