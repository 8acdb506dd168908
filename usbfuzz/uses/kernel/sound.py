"""Sound cards: ALSA's PCM, mixer, MIDI and hwdep nodes."""

from __future__ import annotations

from .table import Table

__all__ = ["TABLE"]

TABLE = Table.of(
    """
snd_pcm_info 288 device@0:4 subdevice@4:4 stream@8:4
snd_pcm_sw_params 136 tstamp_mode@0:4 period_step@4:4 sleep_min@8:4 avail_min@16:8 start_threshold@32:8
  stop_threshold@40:8 silence_threshold@48:8 silence_size@56:8 boundary@64:8 proto@72:4 tstamp_type@76:4
snd_pcm_status 152
snd_pcm_channel_info 24 channel@0:4
snd_xferi 24 result@0:8 buf*@8:8 frames@16:8
snd_pcm_sync_ptr 136 flags@0:4
snd_ctl_card_info 376
snd_ctl_elem_list 80 offset@0:4 space@4:4 pids*@16:8
snd_ctl_elem_info 272 numid@0:4
snd_ctl_elem_value 1224 numid@0:4 value@72:8 value1@80:8
snd_ctl_elem_id 64 numid@0:4
snd_ctl_tlv 8 numid@0:4 length@4:4
snd_rawmidi_info 268 device@0:4 subdevice@4:4 stream@8:4
snd_rawmidi_params 48 stream@0:4 buffer_size@8:8 avail_min@16:8
snd_rawmidi_status 56 stream@0:4
snd_hwdep_info 220
snd_pcm_hw_params 608 access@4:mask format@36:mask subformat@68:mask channels@284:interval rate@296:interval
  period_time@308:interval period_size@320:interval period_bytes@332:interval periods@344:interval
  buffer_time@356:interval buffer_size@368:interval buffer_bytes@380:interval
  =4:ffx96 =264:ffx4 =276:ffx4 =288:ffx4 =300:ffx4 =312:ffx4 =324:ffx4 =336:ffx4 =348:ffx4 =360:ffx4 =372:ffx4
  =384:ffx4 =396:ffx4 =512:ffx4
""",
    """
SNDRV_PCM_IOCTL_INFO 0x81204101 snd_pcm_info
SNDRV_PCM_IOCTL_TSTAMP 0x40044102 value:4
SNDRV_PCM_IOCTL_HW_REFINE 0xc2604110 snd_pcm_hw_params
SNDRV_PCM_IOCTL_HW_PARAMS 0xc2604111 snd_pcm_hw_params
SNDRV_PCM_IOCTL_HW_FREE 0x00004112 -
SNDRV_PCM_IOCTL_SW_PARAMS 0xc0884113 snd_pcm_sw_params
SNDRV_PCM_IOCTL_STATUS 0x80984120 snd_pcm_status
SNDRV_PCM_IOCTL_DELAY 0x80084121 value:8
SNDRV_PCM_IOCTL_HWSYNC 0x00004122 -
SNDRV_PCM_IOCTL_SYNC_PTR 0xc0884123 snd_pcm_sync_ptr
SNDRV_PCM_IOCTL_CHANNEL_INFO 0x80184132 snd_pcm_channel_info
SNDRV_PCM_IOCTL_PREPARE 0x00004140 -
SNDRV_PCM_IOCTL_RESET 0x00004141 -
SNDRV_PCM_IOCTL_START 0x00004142 -
SNDRV_PCM_IOCTL_DROP 0x00004143 -
SNDRV_PCM_IOCTL_DRAIN 0x00004144 -
SNDRV_PCM_IOCTL_PAUSE 0x40044145 int
SNDRV_PCM_IOCTL_REWIND 0x40084146 value:8
SNDRV_PCM_IOCTL_RESUME 0x00004147 -
SNDRV_PCM_IOCTL_XRUN 0x00004148 -
SNDRV_PCM_IOCTL_FORWARD 0x40084149 value:8
SNDRV_PCM_IOCTL_WRITEI_FRAMES 0x40184150 snd_xferi
SNDRV_PCM_IOCTL_READI_FRAMES 0x80184151 snd_xferi
SNDRV_PCM_IOCTL_LINK 0x40044160 int
SNDRV_PCM_IOCTL_UNLINK 0x00004161 -
SNDRV_CTL_IOCTL_CARD_INFO 0x81785501 snd_ctl_card_info
SNDRV_CTL_IOCTL_ELEM_LIST 0xc0505510 snd_ctl_elem_list
SNDRV_CTL_IOCTL_ELEM_INFO 0xc1105511 snd_ctl_elem_info
SNDRV_CTL_IOCTL_ELEM_READ 0xc4c85512 snd_ctl_elem_value
SNDRV_CTL_IOCTL_ELEM_WRITE 0xc4c85513 snd_ctl_elem_value
SNDRV_CTL_IOCTL_ELEM_LOCK 0x40405514 snd_ctl_elem_id
SNDRV_CTL_IOCTL_ELEM_UNLOCK 0x40405515 snd_ctl_elem_id
SNDRV_CTL_IOCTL_SUBSCRIBE_EVENTS 0xc0045516 value:4
SNDRV_CTL_IOCTL_TLV_READ 0xc008551a snd_ctl_tlv
SNDRV_CTL_IOCTL_PCM_INFO 0xc1205531 snd_pcm_info
SNDRV_CTL_IOCTL_POWER_STATE 0x800455d1 value:4
SNDRV_RAWMIDI_IOCTL_INFO 0x810c5701 snd_rawmidi_info
SNDRV_RAWMIDI_IOCTL_PARAMS 0xc0305710 snd_rawmidi_params
SNDRV_RAWMIDI_IOCTL_STATUS 0xc0385720 snd_rawmidi_status
SNDRV_RAWMIDI_IOCTL_DROP 0x40045730 value:4
SNDRV_RAWMIDI_IOCTL_DRAIN 0x40045731 value:4
SNDRV_HWDEP_IOCTL_INFO 0x80dc4801 snd_hwdep_info
""",
    """
SNDRV_PCM_MMAP_OFFSET_DATA=0 SNDRV_PCM_MMAP_OFFSET_STATUS=0x80000000 SNDRV_PCM_MMAP_OFFSET_CONTROL=0x81000000
SNDRV_PCM_ACCESS_MMAP_INTERLEAVED=0 SNDRV_PCM_ACCESS_RW_INTERLEAVED=3 SNDRV_PCM_FORMAT_S16_LE=2
SNDRV_PCM_FORMAT_S24_3LE=32 SNDRV_PCM_SYNC_PTR_HWSYNC=1 SNDRV_PCM_SYNC_PTR_APPL=2
""",
)
