r"""What is run on the module to serve files: MicroPython at the language level of the oldest firmware.

No f-strings, no ``:=``, no ``reversed``, ``frozenset``, ``dict.fromkeys``; ``uos``, ``ubinascii``, ``uhashlib`` and
``ujson`` by their u-names; text that is pure ASCII. Each snippet defines one function, runs it and deletes it, because
the REPL shares its globals with main.py; only an upload keeps ``_ml_f`` and ``_ml_w`` until it is closed.

Results are *frames*, ``0x02 text 0x03`` written in one piece, so that other threads may print in between. Failures are
the module's own exceptions, read from the traceback.

Source: device-api 1 (language level), 5 (file system), 6 (checksum).
"""

from __future__ import annotations

import re
from typing import Final

from moduline.errors import BadAnswer, Text

_FRAME: Final = re.compile(rb"\x02([\x20-\x7e]*)\x03")


def frames(printed: bytes) -> list[str]:
    """The texts of all frames in what a snippet printed, in order."""
    return [match.group(1).decode("ascii") for match in _FRAME.finditer(printed)]


def literal(value: str | bytes | int | bool | list[str]) -> str:
    """A value as source text that every firmware reads: pure ASCII, also where strings are bytes.

    Raises:
        BadAnswer: text that has no UTF-8 form, which only a listing of the module can have brought.
    """
    if isinstance(value, str):
        try:
            raw = value.encode()
        except UnicodeEncodeError as error:
            raise BadAnswer(what=Text("the file name", "文件名"), answer=ascii(value)) from error
        return repr(value) if value.isascii() and value.isprintable() else f"{raw!r}.decode()"
    if isinstance(value, list):
        return "[" + ",".join(map(literal, value)) + "]"
    return repr(value)


def call(definition: str, *arguments: str | bytes | int | bool | list[str]) -> str:
    """A snippet that runs ``_ml`` of ``definition`` with the arguments and leaves nothing behind."""
    given = ",".join(map(literal, arguments))
    return f"{definition}try:\n _ml({given})\nfinally:\n del _ml\n"


STAT: Final = """\
def _ml(p):
 import uos
 s=uos.stat(p)
 print('\\x02%d %d\\x03'%(s[0],s[6]),end='')
"""

LIST: Final = """\
def _ml(p,r):
 import uos,ubinascii
 l=[p]
 while l:
  d=l.pop(0)
  for e in uos.ilistdir(d):
   q=(d if d!='/' else '')+'/'+e[0]
   k=e[1]==0x4000
   if k:
    s=0
    if r:
     l.append(q)
   else:
    s=e[3] if len(e)>3 else uos.stat(q)[6]
   print('\\x02%d %d %s\\x03'%(k,s,ubinascii.hexlify(q.encode()).decode()),end='')
"""

READ: Final = """\
def _ml(p):
 import ubinascii
 f=open(p,'rb')
 try:
  while 1:
   b=f.read(768)
   if not b:
    break
   print('\\x02'+ubinascii.b2a_base64(b).decode().strip()+'\\x03',end='')
 finally:
  f.close()
"""

# Per path: "<size> sha256:<hex>", "<size> crc32:<hex>" where there is no uhashlib, or "-" for a missing file.
DIGEST: Final = """\
def _ml(l):
 import ubinascii
 try:
  from uhashlib import sha256
 except ImportError:
  sha256=None
 v=bytearray(1024)
 m=memoryview(v)
 for p in l:
  try:
   f=open(p,'rb')
  except OSError:
   print('\\x02-\\x03',end='')
   continue
  h=sha256() if sha256 else None
  c=0
  s=0
  try:
   while 1:
    n=f.readinto(v)
    if not n:
     break
    s+=n
    if h:
     h.update(m[:n])
    else:
     c=ubinascii.crc32(m[:n],c)
  finally:
   f.close()
  if h:
   t='sha256:'+ubinascii.hexlify(h.digest()).decode()
  else:
   t='crc32:%08x'%c
  print('\\x02%d %s\\x03'%(s,t),end='')
"""

# /bak answers -1 instead of raising (device-api 5.5); 30 is EROFS.
BEGIN: Final = """\
def _ml(p):
 global _ml_f,_ml_w
 from ubinascii import a2b_base64
 f=open(p,'wb')
 if isinstance(f,int):
  raise OSError(30)
 def w(t):
  b=a2b_base64(t)
  if f.write(b)!=len(b):
   raise OSError(28)
 _ml_f=f
 _ml_w=w
"""


def piece(text: str) -> str:
    """One piece of an upload, as base64 text."""
    return f"_ml_w('{text}')"


END: Final = "_ml_f.close()\ndel _ml_f,_ml_w\n"

ABANDON: Final = """\
def _ml(p):
 global _ml_f,_ml_w
 import uos
 try:
  _ml_f.close()
 except Exception:
  pass
 try:
  del _ml_f,_ml_w
 except NameError:
  pass
 try:
  uos.remove(p)
 except OSError:
  pass
"""

# A file system that refuses to rename onto a file (FAT: 17) needs the old file gone first.
RENAME: Final = """\
def _ml(a,b):
 import uos
 try:
  r=uos.rename(a,b)
 except OSError as e:
  if e.args[0]!=17:
   raise
  uos.remove(b)
  r=uos.rename(a,b)
 if r==-1:
  raise OSError(30)
"""

COPY: Final = """\
def _ml(a,b):
 f=open(a,'rb')
 try:
  g=open(b,'wb')
  if isinstance(g,int):
   raise OSError(30)
  try:
   while 1:
    d=f.read(1024)
    if not d:
     break
    if g.write(d)!=len(d):
     raise OSError(28)
  finally:
   g.close()
 finally:
  f.close()
"""

REMOVE: Final = """\
def _ml(p,r):
 import uos
 def k(r):
  if r==-1:
   raise OSError(30)
 if uos.stat(p)[0]&0xf000!=0x4000:
  k(uos.remove(p))
  return
 d=[p]
 i=0
 while r and i<len(d):
  for e in list(uos.ilistdir(d[i])):
   q=d[i]+'/'+e[0]
   if e[1]==0x4000:
    d.append(q)
   else:
    k(uos.remove(q))
  i+=1
 while d:
  k(uos.rmdir(d.pop()))
"""

MAKE_DIRECTORIES: Final = """\
def _ml(p,a):
 import uos
 w=p.strip('/').split('/')
 q=''
 for i in range(len(w)):
  q+='/'+w[i]
  try:
   if (a or i==len(w)-1) and uos.mkdir(q)==-1:
    raise OSError(30)
  except OSError as e:
   if e.args[0] in (17,1) and a:
    s=None
    try:
     s=uos.stat(q)[0]
    except OSError:
     pass
    if s is not None and s&0xf000==0x4000:
     continue
   raise
"""

FREE: Final = """\
def _ml(p):
 import uos
 s=uos.statvfs(p)
 print('\\x02%d %d\\x03'%(s[0]*s[3],s[0]*s[2]),end='')
"""

# A file listed in checksum.json is replaced by its backup at the next boot unless its checksum is refreshed.
REFRESH_CHECKSUMS: Final = """\
def _ml(l):
 import ubinascii
 try:
  f=open('/usr/checksum.json')
 except OSError:
  return
 try:
  import ujson
  n=[e['name'].lower() for e in ujson.loads(f.read())]
 except Exception:
  return
 finally:
  f.close()
 l=[p for p in l if p.lower() in n]
 if not l:
  return
 import checksum
 for p in l:
  checksum.update(p)
  print('\\x02'+ubinascii.hexlify(p.encode()).decode()+'\\x03',end='')
"""

# Takes one file off the protected list, so that no backup comes back for it.
UNLIST: Final = """\
def _ml(p):
 import ujson,uos
 try:
  f=open('/usr/checksum.json')
 except OSError:
  return
 try:
  l=ujson.loads(f.read())
  k=[e for e in l if e['name'].lower()!=p.lower()]
 except Exception:
  return
 finally:
  f.close()
 if len(k)==len(l):
  return
 f=open('/usr/.moduline-part','w')
 f.write(ujson.dumps(k))
 f.close()
 uos.rename('/usr/.moduline-part','/usr/checksum.json')
 print('\\x02unlisted\\x03',end='')
"""

RUN_FILE: Final = """\
try:
 _ml=execfile
except NameError:
 def _ml(p):
  exec(open(p).read(),globals())
"""

IDENTIFY: Final = """\
def _ml():
 import ubinascii
 def o(k,v):
  print('\\x02'+k+' '+ubinascii.hexlify(str(v).encode()).decode()+'\\x03',end='')
 try:
  import modem
  for k in ('Imei','Model','FwVersion','SN','ProductId'):
   try:
    o(k,getattr(modem,'getDev'+k)())
   except Exception:
    pass
 except ImportError:
  pass
 import uos
 try:
  for w in uos.uname():
   w=str(w)
   i=w.find('=')
   if i>0:
    o('uname.'+w[:i],w[i+1:])
 except Exception:
  pass
"""
