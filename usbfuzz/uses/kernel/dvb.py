"""Digital television: frontends, demultiplexers, conditional access, networks."""

from __future__ import annotations

from .table import Table

__all__ = ["TABLE"]

TABLE = Table.of(
    """
dvb_frontend_info 168
dvb_frontend_parameters 36 frequency@0:4 inversion@4:4 symbol_rate@8:4 fec_inner@12:4
dvb_diseqc_master_cmd 7 msg@0:6 msg_len@6:1
dvb_diseqc_slave_reply 12 msg@0:4 msg_len@4:1 timeout@8:4
dtv_properties 16 num@0:4 props*@8:8
dvb_frontend_event 40
dmx_pes_filter_params 20 pid@0:2 input@4:4 output@8:4 pes_type@12:4 flags@16:4
dmx_sct_filter_params 60 pid@0:2 timeout@52:4 flags@56:4
dmx_stc 16 num@0:4
ca_caps 16
ca_slot_info 12 num@0:4
ca_msg 268 index@0:4 type@4:4 length@8:4
dvb_net_if 6 pid@0:2 if_num@2:2 feedtype@4:1
""",
    """
FE_GET_INFO 0x80a86f3d dvb_frontend_info
FE_DISEQC_RESET_OVERLOAD 0x00006f3e -
FE_DISEQC_SEND_MASTER_CMD 0x40076f3f dvb_diseqc_master_cmd
FE_DISEQC_RECV_SLAVE_REPLY 0x800c6f40 dvb_diseqc_slave_reply
FE_DISEQC_SEND_BURST 0x00006f41 int
FE_SET_TONE 0x00006f42 int
FE_SET_VOLTAGE 0x00006f43 int
FE_ENABLE_HIGH_LNB_VOLTAGE 0x00006f44 int
FE_READ_STATUS 0x80046f45 value:4
FE_READ_BER 0x80046f46 value:4
FE_READ_SIGNAL_STRENGTH 0x80026f47 value:2
FE_READ_SNR 0x80026f48 value:2
FE_READ_UNCORRECTED_BLOCKS 0x80046f49 value:4
FE_SET_FRONTEND_TUNE_MODE 0x00006f51 int
FE_GET_EVENT 0x80286f4e dvb_frontend_event
FE_SET_FRONTEND 0x40246f4c dvb_frontend_parameters
FE_GET_FRONTEND 0x80246f4d dvb_frontend_parameters
FE_DISHNETWORK_SEND_LEGACY_CMD 0x00006f50 int
FE_SET_PROPERTY 0x40106f52 dtv_properties
FE_GET_PROPERTY 0x80106f53 dtv_properties
DMX_START 0x00006f29 -
DMX_STOP 0x00006f2a -
DMX_SET_FILTER 0x403c6f2b dmx_sct_filter_params
DMX_SET_PES_FILTER 0x40146f2c dmx_pes_filter_params
DMX_SET_BUFFER_SIZE 0x00006f2d int
DMX_GET_STC 0xc0106f32 dmx_stc
DMX_ADD_PID 0x40026f33 value:2
DMX_REMOVE_PID 0x40026f34 value:2
CA_RESET 0x00006f80 -
CA_GET_CAP 0x80106f81 ca_caps
CA_GET_SLOT_INFO 0x800c6f82 ca_slot_info
CA_SEND_MSG 0x410c6f85 ca_msg
CA_GET_MSG 0x810c6f84 ca_msg
NET_ADD_IF 0xc0066f34 dvb_net_if
NET_REMOVE_IF 0x00006f35 int
NET_GET_IF 0xc0066f36 dvb_net_if
""",
    """
DMX_IN_FRONTEND=0 DMX_OUT_TS_TAP=2 DMX_OUT_TAP=1 DMX_OUT_DECODER=0 DMX_PES_OTHER=20 DMX_IMMEDIATE_START=4
SEC_TONE_ON=0 SEC_TONE_OFF=1 SEC_VOLTAGE_13=0 SEC_VOLTAGE_18=1 DTV_TUNE=1 DTV_FREQUENCY=3 DTV_DELIVERY_SYSTEM=17
""",
)
