// Text forms of single values: JSON strings, numbers, base64, RFC 3339, durations, field masks. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dinh::gateway::transcode {

// Seconds of 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, and the length of ten thousand years.
inline constexpr int64_t kMinTimestampSeconds = -62'135'596'800;
inline constexpr int64_t kMaxTimestampSeconds = 253'402'300'799;
inline constexpr int64_t kMaxDurationSeconds = 315'576'000'000;

bool IsUtf8(std::string_view text);

// A JSON string with quotes. Escapes what json_util escapes: controls, quotes, < and >, and invisible format
// characters. Invalid UTF-8 becomes U+FFFD.
void AppendQuoted(std::string_view text, std::string* out);
void AppendInt(int64_t value, std::string* out);
void AppendUint(uint64_t value, std::string* out);
// Shortest of 15 and 17 (float: 6 and 9) digits that reads back; "NaN" and "Infinity" in quotes.
void AppendDouble(double value, std::string* out);
void AppendFloat(float value, std::string* out);
void AppendBase64(std::string_view bytes, std::string* out);
// false: out of the years 1 to 9999, or nanos out of range.
bool AppendTimestamp(int64_t seconds, int32_t nanos, std::string* out);
// false: above ten thousand years, or signs that differ.
bool AppendDuration(int64_t seconds, int32_t nanos, std::string* out);
// "a_b.c" -> "aB.c"
void AppendCamelPath(std::string_view path, std::string* out);

enum class NumberResult : uint8_t { kOk, kBad, kOutOfRange, kNotInteger };

// JSON's number grammar; exponents and fractions are accepted where the value is an integer ("1.50e2").
NumberResult ParseInt64(std::string_view text, int64_t* out);
NumberResult ParseUint64(std::string_view text, uint64_t* out);
// JSON's number grammar; too small becomes 0, too large is kOutOfRange.
NumberResult ParseDouble(std::string_view text, double* out);

// Standard or URL alphabet (not mixed), padding optional, left-over bits zero.
bool ParseBase64(std::string_view text, std::string* out);
// RFC 3339 with 0 to 9 fraction digits and Z or an offset.
bool ParseTimestamp(std::string_view text, int64_t* seconds, int32_t* nanos);
// "-1.5s"
bool ParseDuration(std::string_view text, int64_t* seconds, int32_t* nanos);
// "aB.c,d" -> {"a_b.c", "d"}; snake_case is accepted as it is.
bool ParseFieldMask(std::string_view text, std::vector<std::string>* paths);

}  // namespace dinh::gateway::transcode
