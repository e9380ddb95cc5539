#include "services/procedures/documents/receipt.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <utf8proc.h>

#include <algorithm>
#include <mutex>
#include <string_view>

#include "libs/base/civil.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "services/procedures/documents/qr.h"

#ifdef DINH_SANITIZE
// fontconfig keeps its configuration (288 bytes) for the life of the process; the leak sanitizer must not mind.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }
#endif

namespace dinh::procedures {
namespace {

constexpr double kPointsPerMm = 72.0 / 25.4;
constexpr double kPageWidth = 210 * kPointsPerMm, kPageHeight = 297 * kPointsPerMm;   // A4
constexpr double kLeft = 25 * kPointsPerMm, kRight = kPageWidth - 18 * kPointsPerMm;  // Nghị định 30/2020/NĐ-CP
constexpr double kTop = 18 * kPointsPerMm, kBottom = kPageHeight - 18 * kPointsPerMm;
constexpr double kBodyWidth = kRight - kLeft;
constexpr double kQrSide = 34 * kPointsPerMm;
constexpr double kGap = 4;  // points between paragraphs
constexpr double kBodySize = 11, kTitleSize = 14, kHeadSize = 10.5, kSmallSize = 9;
constexpr double kSignatureHeight = 36 * kPointsPerMm;

enum class Align { kLeft, kCenter };

struct GObjectFree {
  void operator()(void* object) const { g_object_unref(object); }
};
using Layout = std::unique_ptr<PangoLayout, GObjectFree>;

// "10 giờ 05 phút, ngày 13 tháng 02 năm 2026"
std::string Two(int n) { return (n < 10 ? "0" : "") + std::to_string(n); }
std::string LongDate(base::CivilDate d) {
  return "ngày " + Two(d.day) + " tháng " + Two(d.month) + " năm " + std::to_string(d.year);
}
std::string LongTime(base::Micros at) {
  const base::CivilTime t = base::ToVietnam(at);
  return Two(t.hour) + " giờ " + Two(t.minute) + " phút, " + LongDate(t.date);
}

// `text` is valid UTF-8 in NFC; capitals of precomposed letters are precomposed.
std::string Capitals(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const utf8proc_ssize_t size = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (size <= 0) break;
    utf8proc_uint8_t upper[4];
    const utf8proc_ssize_t written = utf8proc_encode_char(utf8proc_toupper(point), upper);
    out.append(reinterpret_cast<const char*>(upper), static_cast<size_t>(written));
    text.remove_prefix(static_cast<size_t>(size));
  }
  return out;
}

// A line or paragraph of the paper's body.
struct Part {
  std::string text;
  bool bold = false;
};

void Add(std::vector<Part>& parts, std::string_view label, const std::string& value) {
  if (!value.empty()) parts.push_back({std::string(label) + value});
}

void AddFiler(const PaperData& data, std::string_view label, std::vector<Part>& parts) {
  Add(parts, label, data.filer_name);
  Add(parts, "Địa chỉ: ", data.filer_address);
  Add(parts, "Số điện thoại: ", data.filer_phone);
  Add(parts, "Email: ", data.filer_email);
  parts.push_back({"Nội dung yêu cầu giải quyết: " + data.procedure_name +
                   (data.procedure_code.empty() ? "" : " (mã thủ tục " + data.procedure_code + ")")});
}

void AddPapers(const PaperData& data, std::string_view title, std::vector<Part>& parts) {
  if (data.papers.empty()) return;
  parts.push_back({std::string(title)});
  for (size_t i = 0; i < data.papers.size(); ++i)
    parts.push_back({"    " + std::to_string(i + 1) + ". " + data.papers[i]});
}

// What stands between title and signatures, per form.
std::vector<Part> Body(PaperForm form, const PaperData& data) {
  std::vector<Part> parts;
  switch (form) {
    case PaperForm::kReceipt:
      AddFiler(data, "Tiếp nhận hồ sơ của: ", parts);
      AddPapers(data, "Thành phần hồ sơ nộp gồm:", parts);
      parts.push_back({"Số lượng hồ sơ: " + std::to_string(data.sets) + " (bộ)"});
      Add(parts, "Thời gian giải quyết hồ sơ theo quy định là: ", data.time_limit);
      if (data.received_at) Add(parts, "Thời gian nhận hồ sơ: ", LongTime(*data.received_at));
      if (data.due_at) parts.push_back({"Thời gian trả kết quả giải quyết hồ sơ: " + LongTime(*data.due_at), true});
      Add(parts, "Phí, lệ phí: ", data.fee);
      Add(parts, "Đăng ký nhận kết quả tại: ", data.result_place);
      break;
    case PaperForm::kSupplement:
      AddFiler(data, "Hồ sơ của: ", parts);
      AddPapers(data, "Hồ sơ đã nộp gồm:", parts);
      parts.push_back({"Yêu cầu hoàn thiện hồ sơ gồm những nội dung sau:"});
      parts.push_back({data.reason, true});
      parts.push_back({"Thời gian chờ bổ sung, hoàn thiện hồ sơ không tính vào thời gian giải quyết."});
      if (!data.contact.empty()) {
        parts.push_back({"Trong quá trình hoàn thiện hồ sơ nếu có vướng mắc, Ông/Bà liên hệ với " + data.contact +
                         " để được hướng dẫn."});
      }
      break;
    case PaperForm::kRefusal:
      AddFiler(data, "Hồ sơ của: ", parts);
      parts.push_back(
          {"Qua xem xét, " + data.desk + " thông báo không tiếp nhận, giải quyết hồ sơ này với lý do cụ thể như sau:"});
      parts.push_back({data.reason, true});
      parts.push_back({"Xin thông báo cho Ông/Bà được biết và thực hiện."});
      break;
    case PaperForm::kStop:
      AddFiler(data, "Hồ sơ của: ", parts);
      if (data.received_at) Add(parts, "Thời gian nhận hồ sơ: ", LongTime(*data.received_at));
      parts.push_back({"Cơ quan giải quyết thông báo dừng giải quyết hồ sơ này với lý do cụ thể như sau:"});
      parts.push_back({data.reason, true});
      parts.push_back({"Xin thông báo cho Ông/Bà được biết."});
      break;
  }
  return parts;
}

struct Signatures {
  std::string_view left, right;  // empty: nobody signs there
};

Signatures SignaturesOf(PaperForm form) {
  switch (form) {
    case PaperForm::kReceipt:
      return {"NGƯỜI NỘP HỒ SƠ", "NGƯỜI TIẾP NHẬN HỒ SƠ"};
    case PaperForm::kSupplement:
      return {"", "NGƯỜI HƯỚNG DẪN"};
    case PaperForm::kRefusal:
      return {"NGƯỜI NỘP HỒ SƠ", "NGƯỜI TIẾP NHẬN HỒ SƠ"};
    case PaperForm::kStop:
      return {"", "NGƯỜI CÓ THẨM QUYỀN"};
  }
  return {};
}

std::string FormNumber(PaperForm form) { return "Mẫu số 0" + std::to_string(static_cast<int>(form)); }

absl::Status CheckData(PaperForm form, const PaperData& data) {
  std::vector<base::FieldViolation> violations;
  const auto require = [&](const std::string& value, const char* field) {
    if (value.empty() || !base::IsValidUtf8(value)) {
      violations.push_back({field, {"Thiếu hoặc sai nội dung in trên giấy.", "Missing or malformed on the paper."}});
    }
  };
  require(data.agency, "agency");
  require(data.desk, "desk");
  require(data.dossier_code, "dossier_code");
  require(data.filer_name, "filer_name");
  require(data.procedure_name, "procedure_name");
  if (form == PaperForm::kReceipt) {
    if (!data.received_at) require("", "received_at");
  } else {
    require(data.reason, "reason");
  }
  for (const std::string* text : {&data.place, &data.filer_address, &data.filer_phone, &data.filer_email,
                                  &data.time_limit, &data.result_place, &data.fee, &data.officer_name, &data.contact}) {
    if (!base::IsValidUtf8(*text)) require("", "text");
  }
  if (data.papers.size() > kPaperListMax) require("", "papers");
  for (const std::string& paper : data.papers) require(paper, "papers");
  return violations.empty() ? absl::OkStatus() : base::InvalidFields(std::move(violations));
}

// One PDF being drawn: a cursor that moves down and opens a new page where a line does not fit.
class Sheet {
 public:
  Sheet(cairo_t* cr, PangoContext* context) : cr_(cr), context_(context) {}

  double y() const { return y_; }
  void set_y(double y) { y_ = y; }

  Layout Make(std::string_view text, double size, bool bold, double width, Align align) {
    Layout layout(pango_layout_new(context_));
    PangoFontDescription* font = pango_font_description_new();
    pango_font_description_set_family_static(font, "Noto Sans");
    pango_font_description_set_size(font, static_cast<int>(size * PANGO_SCALE));
    pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(layout.get(), font);
    pango_font_description_free(font);
    pango_layout_set_width(layout.get(), static_cast<int>(width * PANGO_SCALE));
    pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(layout.get(), align == Align::kCenter ? PANGO_ALIGN_CENTER : PANGO_ALIGN_LEFT);
    pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
    return layout;
  }

  // Draws a block with its top left corner at x and the cursor; the cursor ends below it. Lines never split.
  void Draw(PangoLayout* layout, double x) {
    PangoLayoutIter* iter = pango_layout_get_iter(layout);
    do {
      PangoRectangle box;
      pango_layout_iter_get_line_extents(iter, nullptr, &box);
      const double height = static_cast<double>(box.height) / PANGO_SCALE;
      if (y_ + height > kBottom) NewPage();
      const double baseline = static_cast<double>(pango_layout_iter_get_baseline(iter) - box.y) / PANGO_SCALE;
      cairo_move_to(cr_, x + static_cast<double>(box.x) / PANGO_SCALE, y_ + baseline);
      pango_cairo_show_layout_line(cr_, pango_layout_iter_get_line_readonly(iter));
      y_ += height;
    } while (pango_layout_iter_next_line(iter));
    pango_layout_iter_free(iter);
  }

  void Text(std::string_view text, double size, bool bold, Align align) {
    Draw(Make(text, size, bold, kBodyWidth, align).get(), kLeft);
  }

  // A block of this height stays together.
  void Keep(double height) {
    if (y_ + height > kBottom) NewPage();
  }

  void Space(double points) { y_ += points; }

  void Rule(double x, double width) {
    cairo_set_line_width(cr_, 0.6);
    cairo_move_to(cr_, x, y_);
    cairo_line_to(cr_, x + width, y_);
    cairo_stroke(cr_);
  }

  void Qr(const QrMatrix& matrix, double x, double y, double side) {
    const double module = side / (matrix.width + 2 * kQrQuietModules);
    for (int row = 0; row < matrix.width; ++row) {
      for (int column = 0; column < matrix.width; ++column) {
        if (!matrix.At(column, row)) continue;
        cairo_rectangle(cr_, x + (column + kQrQuietModules) * module, y + (row + kQrQuietModules) * module, module,
                        module);
      }
    }
    // Edges of neighbouring modules must meet without a grey seam.
    cairo_set_antialias(cr_, CAIRO_ANTIALIAS_NONE);
    cairo_fill(cr_);
    cairo_set_antialias(cr_, CAIRO_ANTIALIAS_DEFAULT);
  }

 private:
  void NewPage() {
    cairo_show_page(cr_);
    y_ = kTop;
  }

  cairo_t* cr_;
  PangoContext* context_;
  double y_ = kTop;
};

// Two columns as in every official letter: the agency on the left, the country on the right.
void DrawHead(Sheet& sheet, PaperForm form, const PaperData& data) {
  const double left_width = kBodyWidth * 0.42, right_x = kLeft + kBodyWidth * 0.44, right_width = kBodyWidth * 0.56;
  const double top = sheet.y();
  sheet.Draw(sheet.Make(Capitals(data.agency), kHeadSize, false, left_width, Align::kCenter).get(), kLeft);
  sheet.Draw(sheet.Make(data.desk, kHeadSize, true, left_width, Align::kCenter).get(), kLeft);
  const double left_end = sheet.y();
  sheet.set_y(top);
  sheet.Draw(sheet.Make("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", kHeadSize, true, right_width, Align::kCenter).get(),
             right_x);
  sheet.Draw(sheet.Make("Độc lập - Tự do - Hạnh phúc", kHeadSize, true, right_width, Align::kCenter).get(), right_x);
  sheet.Space(2);
  sheet.Rule(right_x + right_width * 0.25, right_width * 0.5);
  sheet.Space(6);
  const std::string date = LongDate(base::ToVietnam(data.issued_at).date);
  sheet.Draw(
      sheet.Make(data.place.empty() ? date : data.place + ", " + date, kHeadSize, false, right_width, Align::kCenter)
          .get(),
      right_x);
  sheet.set_y(std::max(left_end, sheet.y()));
  sheet.Space(14);
  sheet.Text(PaperTitle(form), kTitleSize, true, Align::kCenter);
  sheet.Text("Mã hồ sơ: " + data.dossier_code, kBodySize, true, Align::kCenter);
  sheet.Space(10);
}

void DrawSignatures(Sheet& sheet, PaperForm form, const PaperData& data) {
  const Signatures who = SignaturesOf(form);
  const double half = kBodyWidth / 2;
  sheet.Space(10);
  sheet.Keep(kSignatureHeight);
  const double top = sheet.y();
  const auto column = [&](std::string_view title, const std::string& name, double x) {
    if (title.empty()) return;
    sheet.set_y(top);
    sheet.Draw(sheet.Make(title, kBodySize, true, half, Align::kCenter).get(), x);
    sheet.Draw(sheet.Make("(Ký và ghi rõ họ tên)", kSmallSize, false, half, Align::kCenter).get(), x);
    if (name.empty()) return;
    sheet.set_y(top + kSignatureHeight * 0.7);
    sheet.Draw(sheet.Make(name, kBodySize, true, half, Align::kCenter).get(), x);
  };
  column(who.left, data.filer_name, kLeft);
  column(who.right, data.officer_name, kLeft + half);
  sheet.set_y(top + kSignatureHeight);
}

void DrawTracking(Sheet& sheet, const QrMatrix& qr) {
  sheet.Space(6);
  sheet.Keep(kQrSide);
  const double top = sheet.y();
  sheet.Qr(qr, kLeft, top, kQrSide);
  sheet.set_y(top + kQrSide * 0.35);
  sheet.Draw(sheet
                 .Make("Quét mã để theo dõi hồ sơ. Ai có mã này đều xem được tình trạng hồ sơ: hãy giữ giấy cẩn thận.",
                       kSmallSize, false, kBodyWidth - kQrSide - 12, Align::kLeft)
                 .get(),
             kLeft + kQrSide + 8);
  sheet.set_y(top + kQrSide);
}

// ISO 8601 in UTC, as cairo wants it.
std::string IsoDate(base::Micros at) {
  const base::CivilTime t = base::ToVietnam(at);
  return base::FormatDate(t.date) + "T" + Two(t.hour) + ":" + Two(t.minute) + ":" + Two(t.second) + "+07:00";
}

}  // namespace

struct PaperPrinter::Impl {
  std::mutex mutex;
  std::unique_ptr<PangoFontMap, GObjectFree> fonts{pango_cairo_font_map_new()};
};

PaperPrinter::PaperPrinter() : impl_(std::make_unique<Impl>()) {}
PaperPrinter::~PaperPrinter() = default;

absl::StatusOr<std::string> PaperPrinter::Print(PaperForm form, const PaperData& data) {
  RETURN_IF_ERROR(CheckData(form, data));
  std::optional<QrMatrix> qr;
  if (!data.tracking_url.empty()) {
    ASSIGN_OR_RETURN(qr, EncodeQr(data.tracking_url));
  }
  const std::lock_guard lock(impl_->mutex);
  std::string pdf;
  const auto append = [](void* out, const unsigned char* bytes, unsigned int size) {
    static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(bytes), size);
    return CAIRO_STATUS_SUCCESS;
  };
  const std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface(
      cairo_pdf_surface_create_for_stream(append, &pdf, kPageWidth, kPageHeight), &cairo_surface_destroy);
  const std::string date = IsoDate(data.issued_at);
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATE_DATE, date.c_str());
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_MOD_DATE, date.c_str());
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_TITLE, PaperTitle(form).c_str());
  const std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cr(cairo_create(surface.get()), &cairo_destroy);
  const std::unique_ptr<PangoContext, GObjectFree> context(pango_font_map_create_context(impl_->fonts.get()));
  pango_cairo_context_set_resolution(context.get(), 72);  // a font's point is the page's point
  pango_context_set_language(context.get(), pango_language_from_string("vi"));

  Sheet sheet(cr.get(), context.get());
  sheet.Draw(sheet.Make(FormNumber(form), kSmallSize, false, kBodyWidth, Align::kLeft).get(), kLeft);
  DrawHead(sheet, form, data);
  for (const Part& part : Body(form, data)) {
    sheet.Text(part.text, kBodySize, part.bold, Align::kLeft);
    sheet.Space(kGap);
  }
  DrawSignatures(sheet, form, data);
  if (qr) DrawTracking(sheet, *qr);
  cairo_surface_finish(surface.get());
  if (cairo_status(cr.get()) != CAIRO_STATUS_SUCCESS || cairo_surface_status(surface.get()) != CAIRO_STATUS_SUCCESS) {
    return base::Internal("cairo could not draw the paper");
  }
  return pdf;
}

std::string PaperTitle(PaperForm form) {
  switch (form) {
    case PaperForm::kReceipt:
      return "GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ";
    case PaperForm::kSupplement:
      return "PHIẾU YÊU CẦU BỔ SUNG, HOÀN THIỆN HỒ SƠ";
    case PaperForm::kRefusal:
      return "PHIẾU TỪ CHỐI TIẾP NHẬN GIẢI QUYẾT HỒ SƠ";
    case PaperForm::kStop:
      return "THÔNG BÁO DỪNG GIẢI QUYẾT HỒ SƠ";
  }
  return "";
}

std::string PaperFileName(PaperForm form) {
  switch (form) {
    case PaperForm::kReceipt:
      return "giay-tiep-nhan.pdf";
    case PaperForm::kSupplement:
      return "phieu-yeu-cau-bo-sung.pdf";
    case PaperForm::kRefusal:
      return "phieu-tu-choi.pdf";
    case PaperForm::kStop:
      return "thong-bao-dung.pdf";
  }
  return "";
}

}  // namespace dinh::procedures
