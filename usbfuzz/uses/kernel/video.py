"""Cameras, tuners and their media controllers: V4L2, the media controller, UVC's extension units."""

from __future__ import annotations

from .table import Table

__all__ = ["TABLE"]

TABLE = Table.of(
    """
v4l2_capability 104
v4l2_fmtdesc 64 index@0:4 type@4:4
v4l2_format 208 type@0:4 width@8:4 height@12:4 pixelformat@16:4 field@20:4 bytesperline@24:4 sizeimage@28:4
v4l2_requestbuffers 20 count@0:4 type@4:4 memory@8:4
v4l2_create_buffers 256 count@4:4 memory@8:4 type@16:4 width@24:4 height@28:4 sizeimage@44:4
v4l2_buffer 88 index@0:4 type@4:4 bytesused@8:4 flags@12:4 field@16:4 memory@60:4 offset@64:4 length@72:4
v4l2_exportbuffer 64 type@0:4 index@4:4 plane@8:4 flags@12:4 fd@16:4
v4l2_streamparm 204 type@0:4 capability@4:4 numerator@12:4 denominator@16:4 readbuffers@24:4
v4l2_queryctrl 68 id@0:4 type@4:4 minimum@40:4 maximum@44:4
v4l2_querymenu 44 id@0:4 index@4:4
v4l2_control 8 id@0:4 value@4:4
v4l2_ext_controls 32 which@0:4 count@4:4 controls*@24:8
v4l2_input 80 index@0:4
v4l2_output 72 index@0:4
v4l2_audio 52 index@0:4 mode@40:4
v4l2_standard 72 index@0:4
v4l2_tuner 84 index@0:4 type@36:4 audmode@56:4
v4l2_frequency 44 tuner@0:4 type@4:4 frequency@8:4
v4l2_hw_freq_seek 48 tuner@0:4 type@4:4 seek_upward@8:4 wrap_around@12:4 spacing@16:4 rangelow@20:4 rangehigh@24:4
v4l2_frmsizeenum 44 index@0:4 pixel_format@4:4
v4l2_frmivalenum 52 index@0:4 pixel_format@4:4 width@8:4 height@12:4
v4l2_event_subscription 32 type@0:4 id@4:4 flags@8:4
v4l2_event 136
v4l2_selection 64 type@0:4 target@4:4 flags@8:4
v4l2_encoder_cmd 40 cmd@0:4 flags@4:4
v4l2_decoder_cmd 72 cmd@0:4 flags@4:4
v4l2_dbg_register 56 size@36:4 reg@40:8 val@48:8
media_device_info 256
media_entity_desc 256 id@0:4
media_links_enum 40 entity@0:4 pads*@8:8 links*@16:8
media_link_desc 52 entity@0:4 index@4:2 sink_entity@20:4 sink_index@24:2 flags@40:4
media_v2_topology 72 num_entities@8:4 ptr_entities*@16:8 num_interfaces@24:4 ptr_interfaces*@32:8 num_pads@40:4
  ptr_pads*@48:8 num_links@56:4 ptr_links*@64:8
uvc_xu_control_query 16 unit@0:1 selector@1:1 query@2:1 size@4:2 data*@8:8
uvc_xu_control_mapping 96 id@0:4 v4l2_type@56:4 data_type@60:4 selector@52:1 size@53:1 offset@54:1 menu_count@72:4
""",
    """
VIDIOC_QUERYCAP 0x80685600 v4l2_capability
VIDIOC_ENUM_FMT 0xc0405602 v4l2_fmtdesc
VIDIOC_G_FMT 0xc0d05604 v4l2_format
VIDIOC_S_FMT 0xc0d05605 v4l2_format
VIDIOC_TRY_FMT 0xc0d05640 v4l2_format
VIDIOC_REQBUFS 0xc0145608 v4l2_requestbuffers
VIDIOC_CREATE_BUFS 0xc100565c v4l2_create_buffers
VIDIOC_QUERYBUF 0xc0585609 v4l2_buffer
VIDIOC_QBUF 0xc058560f v4l2_buffer
VIDIOC_DQBUF 0xc0585611 v4l2_buffer
VIDIOC_PREPARE_BUF 0xc058565d v4l2_buffer
VIDIOC_EXPBUF 0xc0405610 v4l2_exportbuffer
VIDIOC_STREAMON 0x40045612 type:4
VIDIOC_STREAMOFF 0x40045613 type:4
VIDIOC_G_PARM 0xc0cc5615 v4l2_streamparm
VIDIOC_S_PARM 0xc0cc5616 v4l2_streamparm
VIDIOC_QUERYCTRL 0xc0445624 v4l2_queryctrl
VIDIOC_QUERYMENU 0xc02c5625 v4l2_querymenu
VIDIOC_G_CTRL 0xc008561b v4l2_control
VIDIOC_S_CTRL 0xc008561c v4l2_control
VIDIOC_G_EXT_CTRLS 0xc0205647 v4l2_ext_controls
VIDIOC_S_EXT_CTRLS 0xc0205648 v4l2_ext_controls
VIDIOC_TRY_EXT_CTRLS 0xc0205649 v4l2_ext_controls
VIDIOC_ENUMINPUT 0xc050561a v4l2_input
VIDIOC_G_INPUT 0x80045626 value:4
VIDIOC_S_INPUT 0xc0045627 value:4
VIDIOC_ENUMAUDIO 0xc0345641 v4l2_audio
VIDIOC_S_AUDIO 0x40345622 v4l2_audio
VIDIOC_ENUMSTD 0xc0485619 v4l2_standard
VIDIOC_G_STD 0x80085617 value:8
VIDIOC_S_STD 0x40085618 value:8
VIDIOC_QUERYSTD 0x8008563f value:8
VIDIOC_G_TUNER 0xc054561d v4l2_tuner
VIDIOC_S_TUNER 0x4054561e v4l2_tuner
VIDIOC_G_FREQUENCY 0xc02c5638 v4l2_frequency
VIDIOC_S_FREQUENCY 0x402c5639 v4l2_frequency
VIDIOC_S_HW_FREQ_SEEK 0x40305652 v4l2_hw_freq_seek
VIDIOC_ENUM_FRAMESIZES 0xc02c564a v4l2_frmsizeenum
VIDIOC_ENUM_FRAMEINTERVALS 0xc034564b v4l2_frmivalenum
VIDIOC_SUBSCRIBE_EVENT 0x4020565a v4l2_event_subscription
VIDIOC_UNSUBSCRIBE_EVENT 0x4020565b v4l2_event_subscription
VIDIOC_DQEVENT 0x80885659 v4l2_event
VIDIOC_G_SELECTION 0xc040565e v4l2_selection
VIDIOC_S_SELECTION 0xc040565f v4l2_selection
VIDIOC_LOG_STATUS 0x00005646 -
VIDIOC_S_PRIORITY 0x40045644 value:4
VIDIOC_ENCODER_CMD 0xc028564d v4l2_encoder_cmd
VIDIOC_TRY_ENCODER_CMD 0xc028564e v4l2_encoder_cmd
VIDIOC_DBG_G_REGISTER 0xc0385650 v4l2_dbg_register
VIDIOC_DBG_S_REGISTER 0x4038564f v4l2_dbg_register
MEDIA_IOC_DEVICE_INFO 0xc1007c00 media_device_info
MEDIA_IOC_ENUM_ENTITIES 0xc1007c01 media_entity_desc
MEDIA_IOC_ENUM_LINKS 0xc0287c02 media_links_enum
MEDIA_IOC_SETUP_LINK 0xc0347c03 media_link_desc
MEDIA_IOC_G_TOPOLOGY 0xc0487c04 media_v2_topology
MEDIA_IOC_REQUEST_ALLOC 0x80047c05 value:4
UVCIOC_CTRL_QUERY 0xc0107521 uvc_xu_control_query
UVCIOC_CTRL_MAP 0xc0607520 uvc_xu_control_mapping
""",
    """
V4L2_BUF_TYPE_VIDEO_CAPTURE=1 V4L2_BUF_TYPE_VIDEO_OUTPUT=2 V4L2_BUF_TYPE_VBI_CAPTURE=4
V4L2_BUF_TYPE_META_CAPTURE=13 V4L2_BUF_TYPE_SDR_CAPTURE=11 V4L2_MEMORY_MMAP=1 V4L2_MEMORY_USERPTR=2
V4L2_MEMORY_DMABUF=4 V4L2_CTRL_FLAG_NEXT_CTRL=0x80000000 V4L2_CID_BASE=0x980900 V4L2_CID_BRIGHTNESS=0x980900
V4L2_CID_EXPOSURE_AUTO=0x9a0901 V4L2_CID_POWER_LINE_FREQUENCY=0x980918 V4L2_PIX_FMT_YUYV=0x56595559
V4L2_PIX_FMT_MJPEG=0x47504a4d V4L2_PIX_FMT_RGB24=0x33424752 V4L2_STD_PAL=255 V4L2_STD_NTSC=0xb000
V4L2_TUNER_RADIO=1 V4L2_TUNER_ANALOG_TV=2 V4L2_EVENT_ALL=0 V4L2_EVENT_CTRL=3 UVC_SET_CUR=1 UVC_GET_CUR=129
UVC_GET_LEN=133 UVC_GET_INFO=134
""",
)
