"""The configuration files of a private Asterisk: what an operator writes around `dialplan/`."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callserver.demo.asterisk.folder import INSTANCE_MOUNT
from callserver.demo.asterisk.free_ports import RTP_PORTS

INSIDE = f"/{INSTANCE_MOUNT}"  # where the instance's folder appears for Asterisk
CONTEXT = "from-400"

_MODULES = """\
app_cdr app_dial app_playback app_stack app_verbose app_userevent app_exec app_if
app_db app_while app_softhangup bridge_simple bridge_native_rtp bridge_builtin_features
bridge_builtin_interval_features bridge_holding cdr_custom chan_pjsip codec_alaw codec_ulaw
codec_gsm codec_resample format_gsm format_pcm format_wav format_sln func_callerid func_cdr
func_channel func_config func_cut func_db func_dialplan func_env func_global func_groupcount
func_hangupcause func_logic func_math func_module func_shell func_strings func_sysinfo
func_timeout func_uri func_uuid func_version pbx_config res_agi res_cdrel_custom res_crypto
res_convert res_format_attr_g729 res_pjproject res_pjsip res_pjsip_acl
res_pjsip_authenticator_digest res_pjsip_caller_id res_pjsip_dlg_options
res_pjsip_endpoint_identifier_ip res_pjsip_header_funcs res_pjsip_logger
res_pjsip_diversion res_pjsip_mwi res_pjsip_nat
res_pjsip_pubsub res_pjsip_rfc3326 res_pjsip_sdp_rtp res_pjsip_session res_rtp_asterisk
res_speech res_sorcery_astdb res_sorcery_config res_sorcery_memory res_statsd res_timing_timerfd
"""

# Asterisk logs an error for each of these that is missing.
_EMPTY = ("ccss", "cel", "features", "musiconhold", "statsd", "stasis", "udptl")


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """What makes one private Asterisk differ from another. Ports are on 127.0.0.1."""

    agi_host: str
    agi_port: int
    pbx: str
    ami_port: int
    sip_port: int
    ami_user: str
    ami_secret: str
    trunks: Mapping[str, int]  # trunk name → SIP port of its far end
    dialplan: Path  # the folder with callserver.conf
    globals: Mapping[str, str] = field(default_factory=dict)  # on top of the operator's own
    extensions_extra: str = ""  # more contexts, e.g. a hard-coded Dial to compare with
    from_context: str = CONTEXT


def write_configuration(etc: Path, settings: InstanceSettings) -> None:
    """Write every file Asterisk reads into etc, dialplan/ copied verbatim."""
    etc.mkdir(parents=True, exist_ok=True)
    verbatim = etc / "callserver"
    verbatim.mkdir(exist_ok=True)
    for source in sorted(settings.dialplan.glob("*.conf")):
        shutil.copyfile(source, verbatim / source.name)
    files = {
        "asterisk.conf": _asterisk(),
        "modules.conf": _modules(),
        "logger.conf": _logger(),
        "rtp.conf": _rtp(),
        "pjsip.conf": _pjsip(settings),
        "extensions.conf": _extensions(settings),
        "manager.conf": _manager(settings),
        "callserver/secret.conf": f"secret = {settings.ami_secret}\n",
        "cdr.conf": "#include callserver/cdr.conf\n",
        "cdr_custom.conf": "#include callserver/cdr_custom.conf\n",
        "http.conf": "[general]\nenabled = no\n",
        "pjproject.conf": "[startup]\nlog_level = 2\n",
        **{f"{name}.conf": "[general]\n" for name in _EMPTY},
        "acl.conf": "",
        "indications.conf": "[general]\ncountry = cn\n[cn]\ndescription = China\n"
        "ringcadence = 1000,4000\ndial = 450\nbusy = 450/350,0/350\nring = 450/1000,0/4000\n"
        "congestion = 450/700,0/700\n",
    }
    for name, text in files.items():
        (etc / name).write_text(text)


def _asterisk() -> str:
    folders = {
        "astcachedir": f"{INSIDE}/cache",
        "astetcdir": f"{INSIDE}/etc",
        "astmoddir": "/usr/lib/x86_64-linux-gnu/asterisk/modules",
        "astvarlibdir": f"{INSIDE}/lib",
        "astdbdir": f"{INSIDE}/lib",
        "astkeydir": f"{INSIDE}/lib",
        "astdatadir": "/usr/share/asterisk",
        "astagidir": "/usr/share/asterisk/agi-bin",
        "astspooldir": f"{INSIDE}/spool",
        "astrundir": f"{INSIDE}/run",
        "astlogdir": f"{INSIDE}/log",
        "astsbindir": "/usr/sbin",
    }
    lines = "".join(f"{name} => {path}\n" for name, path in folders.items())
    return (
        f"[directories]\n{lines}\n[options]\nverbose = 0\nlive_dangerously = no\n"
        "defaultlanguage = zh\nhideconnect = yes\ndontwarn = yes\n"
    )


def _modules() -> str:
    loads = "".join(f"load = {name}.so\n" for name in _MODULES.split())
    return f"[modules]\nautoload = no\n{loads}"


def _logger() -> str:
    return "[general]\ndateformat = %F %T.%3q\n[logfiles]\nfull => notice,warning,error,verbose\n"


def _rtp() -> str:
    return f"[general]\nrtpstart = {RTP_PORTS.start}\nrtpend = {RTP_PORTS.stop - 1}\n"


def _pjsip(settings: InstanceSettings) -> str:
    """A carrier that sends calls to us from loopback, and one endpoint a trunk to dial out."""
    parts = [
        "[global]\ntype = global\nendpoint_identifier_order = ip\n",
        "[system]\ntype = system\ntimer_t1 = 500\n",
        f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{settings.sip_port}\n",
        "[carrier-in]\ntype = identify\nendpoint = carrier-in\nmatch = 127.0.0.1\n",
        _endpoint("carrier-in", settings.from_context),
    ]
    for name, port in settings.trunks.items():
        parts.append(_endpoint(name, "nowhere", f"aors = {name}\n"))
        parts.append(f"[{name}]\ntype = aor\ncontact = sip:127.0.0.1:{port}\n")
    return "\n".join(parts)


def _endpoint(name: str, context: str, more: str = "") -> str:
    return (
        f"[{name}]\ntype = endpoint\ntransport = udp\ncontext = {context}\n{more}"
        "disallow = all\nallow = alaw,ulaw\ndirect_media = no\nallow_transfer = no\n"
        "trust_id_inbound = no\nsend_connected_line = no\n"
        "media_address = 127.0.0.1\nbind_rtp_to_media_address = yes\n"
    )


def _extensions(settings: InstanceSettings) -> str:
    values = {
        "CS_SERVER": f"{settings.agi_host}:{settings.agi_port}",
        "CS_PBX": settings.pbx,
        **{f"CS_VIA_{name}": f"PJSIP/NUMBER@{name}" for name in settings.trunks},
        **settings.globals,
    }
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    return (
        f"[general]\nstatic = yes\nwriteprotect = yes\nclearglobalvars = no\n\n[globals]\n{lines}\n"
        f"#include callserver/callserver.conf\n\n{settings.extensions_extra}"
    )


def _manager(settings: InstanceSettings) -> str:
    return (
        "[general]\nenabled = yes\nwebenabled = no\nbindaddr = 127.0.0.1\n"
        f"port = {settings.ami_port}\n\n#include callserver/manager.conf\n"
    )
