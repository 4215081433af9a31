/** Numbers of the ZIP format, as APPNOTE.TXT 6.3.10 gives them. Sizes are of the fixed part of each record. */

/** 4.3.7: local file header. */
export const LOCAL_HEADER = 0x04034b50
export const LOCAL_HEADER_BYTES = 30

/** 4.3.9: data descriptor. The signature is optional, the sizes take 4 or 8 bytes each: 12, 16, 20 or 24 bytes. */
export const DATA_DESCRIPTOR = 0x08074b50
export const MAX_DESCRIPTOR_BYTES = 24

/** 4.3.12: central directory header. */
export const DIRECTORY_HEADER = 0x02014b50
export const DIRECTORY_HEADER_BYTES = 46

/** 4.3.14: ZIP64 end of central directory record, version 1, without an extensible data sector. */
export const ZIP64_END_RECORD = 0x06064b50
export const ZIP64_END_RECORD_BYTES = 56

/** 4.3.15: ZIP64 end of central directory locator. */
export const ZIP64_LOCATOR = 0x07064b50
export const ZIP64_LOCATOR_BYTES = 20

/** 4.3.16: end of central directory record; a comment of up to 65,535 bytes follows it. */
export const END_RECORD = 0x06054b50
export const END_RECORD_BYTES = 22

/** 4.4.1.4: a field with this value has its real one in a ZIP64 record. */
export const MAX_UINT16 = 0xffff
export const MAX_UINT32 = 0xffffffff

/** 4.4.3.2: the version needed to extract, times ten. 6.3 is the newest that APPNOTE describes. */
export const MAX_VERSION = 63

/** 4.4.4: sizes and CRC follow the data. torch sets it on every member, as it writes without seeking back. */
export const FLAG_DESCRIPTOR = 0x0008
/** 4.4.4, appendix D: the name is UTF-8. torch sets it on every member. */
export const FLAG_UTF8 = 0x0800
/** 4.4.4: bits 1 and 2 (how hard deflate tried), 3 (descriptor) and 11 (names are UTF-8). All others are refused. */
export const SUPPORTED_FLAGS = 0x080e

/** 4.4.5: compression methods. */
export const METHOD_STORED = 0
export const METHOD_DEFLATED = 8

/** 4.5.3: extra field with the 64-bit values. */
export const EXTRA_ZIP64 = 0x0001
/** 4.6.9: extra field with a second name for the member, which some readers prefer. */
export const EXTRA_UNICODE_PATH = 0x7075
