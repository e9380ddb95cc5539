// The printed papers of the one-stop desk as PDF (Phụ lục I Thông tư 03/2025/TT-VPCP): Mẫu 01 "Giấy tiếp nhận hồ sơ và
// hẹn trả kết quả", Mẫu 02 "Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ", Mẫu 03 "Phiếu từ chối tiếp nhận giải quyết hồ
// sơ", Mẫu 05 "Thông báo dừng giải quyết hồ sơ". One template; what differs is layout data.
//
// The same data gives the same bytes: the only date inside is `issued_at`. Text is real text (NFC) for readers and
// search. Fonts: Noto Sans from Debian's fonts-noto-core, which has every Vietnamese letter.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"

namespace dinh::procedures {

enum class PaperForm { kReceipt = 1, kSupplement = 2, kRefusal = 3, kStop = 5 };

// All texts plain, in NFC; an empty optional part is left out of the paper.
struct PaperData {
  std::string agency;  // "Ủy ban nhân dân xã Hoằng Hóa"; printed in capitals
  std::string desk;    // "Bộ phận Một cửa xã Hoằng Hóa"
  std::string place;   // "Hoằng Hóa": where and when it is issued
  base::Micros issued_at = 0;
  std::string dossier_code;
  std::string filer_name;
  std::string filer_address;
  std::string filer_phone;
  std::string filer_email;
  std::string procedure_code;
  std::string procedure_name;
  std::vector<std::string> papers;  // what was handed in
  int sets = 1;                     // how many sets of papers
  std::string time_limit;           // "1 ngày làm việc"
  std::optional<base::Micros> received_at;
  std::optional<base::Micros> due_at;
  std::string result_place;  // "Nhận trực tuyến" or the desk
  std::string fee;           // "16.000 đ (Mười sáu nghìn đồng)"
  std::string officer_name;  // who signs the paper
  std::string reason;        // 02, 03, 05
  std::string contact;       // 02: whom to ask
  std::string tracking_url;  // in the QR code; empty: no code
};

inline constexpr size_t kPaperListMax = 60;

// Thread-safe: one paper is drawn at a time (Pango's font maps are not shared between threads).
class PaperPrinter {
 public:
  PaperPrinter();
  ~PaperPrinter();
  PaperPrinter(const PaperPrinter&) = delete;
  PaperPrinter& operator=(const PaperPrinter&) = delete;

  // A4, one or more pages. INVALID_ARGUMENT: required parts missing or texts not UTF-8; INTERNAL: Cairo failed.
  absl::StatusOr<std::string> Print(PaperForm form, const PaperData& data);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string PaperTitle(PaperForm form);     // "GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ"
std::string PaperFileName(PaperForm form);  // "giay-tiep-nhan.pdf"

}  // namespace dinh::procedures
